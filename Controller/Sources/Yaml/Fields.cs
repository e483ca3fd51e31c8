using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using Ambient.Protocol.Model;

namespace Ambient.Controller.Sources.Yaml;

/// <summary>
/// The fields of one mapping, read by name and by what they must hold. A field that is absent or null reads as its
/// default; one of another form ends the reading of the file with its line and what was expected.
/// </summary>
/// <param name="path">Of the mapping in its document, for messages: <c>spec.ports[0]</c>.</param>
internal readonly struct Fields(YamlMapping? mapping, string path)
{
    /// <summary>Longest text that any field may hold, in characters (annotations apart, which have their own limit).</summary>
    private const int MaxText = 1024;
    private const int MaxAnnotation = 64 * 1024;
    private static readonly IReadOnlyDictionary<string, YamlNode> EmptyEntries = FrozenDictionary<string, YamlNode>.Empty;

    internal int Line => mapping?.Line ?? 0;

    /// <summary>Nothing is written here.</summary>
    internal bool IsEmpty => mapping is null || mapping.Entries.Count == 0;

    internal static Fields Of(YamlNode node, string path) => node is YamlMapping mapping
        ? new Fields(mapping, path)
        : throw new YamlFaultException(node.Line, path.Length == 0 ? "expected an object" : $"expected an object at {path}");

    internal Fields Object(string name) => Find(name) is { } node ? Of(node, At(name)) : new Fields(null, At(name));

    /// <summary>What another writer put here, if it is an object; what has another form reads as absent.</summary>
    internal Fields ObjectOrNone(string name) => Find(name) is YamlMapping node ? Of(node, At(name)) : new Fields(null, At(name));

    /// <summary>The objects of a list that others write as well; what has another form is passed over.</summary>
    internal IEnumerable<Fields> ObjectsAmong(string name)
    {
        var at = At(name);
        return Find(name) is YamlSequence list ? list.Items.OfType<YamlMapping>().Select(item => Of(item, at)) : [];
    }

    /// <summary>Whether it is this text; one of another form is not.</summary>
    internal bool Says(string name, string text) => Find(name) is YamlScalar scalar && scalar.Value == text;

    internal bool Has(string name) => Find(name) is not null;

    /// <summary>Refuses every field but these, and those of these that are written without a value.</summary>
    internal void Only(params ReadOnlySpan<string> known)
    {
        foreach (var (name, value) in mapping?.Entries ?? EmptyEntries)
        {
            if (!known.Contains(name))
                throw new YamlFaultException(value.Line, $"unknown field {At(name)}: expected {string.Join(", ", known)}");
        }
        OnlyWithValues();
    }

    /// <summary>Refuses a field that is written without a value: it would read as absent, and may have been meant to say something.</summary>
    internal void OnlyWithValues()
    {
        foreach (var (name, value) in mapping?.Entries ?? EmptyEntries)
        {
            if (value is YamlScalar { IsNull: true })
                throw new YamlFaultException(value.Line, $"expected a value at {At(name)}");
        }
    }

    internal string Text(string name, string absent = "")
    {
        if (Find(name) is not { } node)
            return absent;
        if (node is not YamlScalar scalar)
            throw Expected(name, node, "a text");
        if (scalar.Value.Length > MaxText)
            throw Expected(name, node, $"at most {MaxText} characters");
        return scalar.Value;
    }

    /// <summary>Reads a name that goes into keys and SPIFFE IDs.</summary>
    internal string Name(string name, string? absent)
    {
        if (Find(name) is not { } node)
            return absent ?? throw new YamlFaultException(Line, $"expected {At(name)}");
        var text = Text(name);
        if (text.Length is 0 or > 253 || text is "." or ".." || !text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '_'))
            throw Expected(name, node, "a name of at most 253 letters, digits, '-', '.' and '_'");
        return text;
    }

    internal bool? Flag(string name) => Find(name) switch
    {
        null => null,
        YamlScalar { IsPlain: true, Value: "true" } => true,
        YamlScalar { IsPlain: true, Value: "false" } => false,
        var node => throw Expected(name, node, "true or false"),
    };

    internal int? Number(string name, int least, int most) => Find(name) is not { } node
        ? null
        : node is YamlScalar scalar && int.TryParse(scalar.Value, least < 0 ? NumberStyles.AllowLeadingSign : NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && number >= least && number <= most
            ? number
            : throw Expected(name, node, least == int.MinValue ? "a whole number of 32 bits" : $"a number from {least} to {most}");

    internal IEnumerable<Fields> Objects(string name)
    {
        var at = At(name);
        return Items(name).Select((item, i) => Of(item, $"{at}[{i}]"));
    }

    internal ImmutableArray<string> Texts(string name)
    {
        var self = this;
        return [.. Items(name).Select(item => item is YamlScalar { Value.Length: <= MaxText } scalar ? scalar.Value : throw self.Expected(name, item, "texts"))];
    }

    internal ImmutableArray<IPAddress> Addresses(string name)
    {
        var self = this;
        return [.. Items(name).Select(item => self.AddressOf(name, item))];
    }

    internal IPAddress? Address(string name) => Find(name) is { } node and not YamlScalar { Value: "" } ? AddressOf(name, node) : null;

    internal ImmutableArray<IPNetwork> Ranges(string name)
    {
        var self = this;
        return [.. Items(name).Select(item => item is YamlScalar scalar && AddressRanges.TryParse(scalar.Value, out var range)
            ? range
            : throw self.Expected(name, item, "address ranges like 10.1.0.0/16, without bits behind the prefix"))];
    }

    internal FrozenDictionary<string, string> Map(string name, bool isAnnotations = false)
    {
        if (Find(name) is not { } node)
            return FrozenDictionary<string, string>.Empty;
        var self = this;
        // Only what holds for every map is made once for all that ask.
        return isAnnotations ? Read(MaxAnnotation) : node.Made(() => Read(MaxText));

        FrozenDictionary<string, string> Read(int longest)
        {
            var entries = new Dictionary<string, string>();
            foreach (var (key, value) in node is YamlMapping map ? map.Entries : throw self.Expected(name, node, "a map of texts"))
            {
                // `true` without quotes is what people write for a label; Kubernetes would refuse it, and losing it silently is worse.
                entries.Add(key, value is YamlScalar scalar && scalar.Value.Length <= longest ? scalar.Value : throw self.Expected($"{name}.{key}", value, $"a text of at most {longest} characters"));
            }
            return entries.ToFrozenDictionary();
        }
    }

    /// <summary>What a reader makes of a list, once for all objects that share it; made anew where there is none.</summary>
    internal T Made<T>(string name, Func<T> make)
        where T : class => Find(name) is { } node ? node.Made(make) : make();

    /// <summary>As <see cref="Expected(string, string)"/>, for one entry of a list.</summary>
    internal YamlFaultException ExpectedItem(string name, int index, string what) =>
        new(Items(name).ElementAtOrDefault(index)?.Line ?? Line, $"expected {what} at {At(name)}[{index}]");

    /// <summary>As <see cref="Expected(string, string)"/>, for the mapping itself.</summary>
    internal YamlFaultException ExpectedHere(string what) => new(Line, $"expected {what} at {path}");

    internal YamlFaultException Expected(string name, string what) => Expected(name, Find(name) ?? mapping, what);

    private YamlFaultException Expected(string name, YamlNode? found, string what) =>
        new(found?.Line ?? Line, $"expected {what} at {At(name)}");

    private IPAddress AddressOf(string name, YamlNode node) =>
        node is YamlScalar scalar && TryReadAddress(scalar.Value, out var address) ? address : throw Expected(name, node, "an IP address");

    /// <summary>Reads an address as people write it.</summary>
    internal static bool TryReadAddress(string text, [NotNullWhen(true)] out IPAddress? address)
    {
        // IPAddress reads "1" and "0x7f.1" as well, which nobody means: what it prints must be what was written.
        if (IPAddress.TryParse(text, out address) && address.ScopeIdOrZero() == 0 && (text.Contains(':') || text == address.ToString())
            && !address.Equals(IPAddress.Any) && !address.Equals(IPAddress.IPv6Any))
        {
            address = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
            return true;
        }
        address = null;
        return false;
    }

    internal IEnumerable<YamlNode> Items(string name) => Find(name) switch
    {
        null => [],
        YamlSequence sequence => sequence.Items,
        var node => throw Expected(name, node, "a list"),
    };

    private YamlNode? Find(string name) =>
        mapping is not null && mapping.Entries.TryGetValue(name, out var node) && node is not YamlScalar { IsNull: true } ? node : null;

    internal string At(string name) => path.Length == 0 ? name : $"{path}.{name}";
}

internal static class AddressScope
{
    /// <summary>The zone of a link-local address, 0 for any other; IPAddress throws for version 4.</summary>
    internal static long ScopeIdOrZero(this IPAddress address) =>
        address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? address.ScopeId : 0;
}
