using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using Ambient.Protocol.Identity;
using Ambient.Protocol.Model;

namespace Ambient.Controller.Sources.Yaml;

/// <summary>
/// Reads an AccessPolicy (docs/policy.md). Unlike other objects it never makes the whole file count as broken once it has a name: what
/// cannot be understood is kept as a fault of the policy, which then denies. So a mistake is never weaker than what was meant.
/// </summary>
/// <param name="origin">The file.</param>
internal sealed class AccessPolicyReader(string origin)
{
    private readonly List<SourceFault> _faults = [];

    /// <exception cref="YamlFaultException">It has no name or namespace that could be used.</exception>
    internal static AccessPolicyObject Read(Fields fields, SourcePlace place) => new AccessPolicyReader(place.Origin).ReadPolicy(fields, place);

    private AccessPolicyObject ReadPolicy(Fields fields, SourcePlace place)
    {
        var metadata = fields.Object("metadata");
        var (ns, name) = (metadata.Name("namespace", "default"), metadata.Name("name", absent: null));
        Check(() => fields.Only("apiVersion", "kind", "metadata", "spec", "status"));
        if (fields.Text("apiVersion") != "ambient.mesh/v1alpha1")
            Note(fields.Expected("apiVersion", "ambient.mesh/v1alpha1, which is the version that is known here,"));

        var spec = Try(() => fields.Object("spec"), default);
        Check(() => spec.Only("selector", "action", "rules"));
        // A selector that cannot be read might have meant any pod.
        var pods = Try(() => LabelSelectorReader.ReadStrictly(spec.Object("selector")), LabelSelector.Everything);
        var action = Try(() => spec.Text("action", "ALLOW") switch
        {
            "ALLOW" => PolicyAction.Allow,
            "DENY" => PolicyAction.Deny,
            _ => throw spec.Expected("action", "ALLOW or DENY"),
        }, PolicyAction.Deny);
        var rules = Try(() => spec.Objects("rules").ToImmutableArray(), []);
        if (action == PolicyAction.Deny && rules.IsEmpty && _faults.Count == 0)
            Note(spec.Expected("rules", "at least one rule, since DENY without rules denies nothing (`- {}` matches everything),"));
        return new AccessPolicyObject(ns, name, pods, action, [.. rules.SelectMany((rule, i) => ReadRule(rule, i + 1))], [.. _faults], place);
    }

    // A `from` of several sources is several rules: the wire's rule is one "and" of "or"s.
    private ImmutableArray<AccessRule> ReadRule(Fields rule, int number)
    {
        Check(() => rule.Only("from", "ports"));
        var ports = Try(() => NotEmpty(rule, "ports", rule.Items("ports").Select((item, i) => PortOf(item, $"{rule.At("ports")}[{i}]"))), []);
        var sources = Try(() => NotEmpty(rule, "from", rule.Objects("from")), []);
        if (!rule.Has("from"))
            return [new AccessRule { Ports = ports, Number = number }];
        return [.. sources.Select(source => ReadSource(source) with { Ports = ports, Number = number })];
    }

    private AccessRule ReadSource(Fields source)
    {
        Check(() => source.Only("identities", "namespaces", "addresses", "nodeAddress"));
        var read = new AccessRule
        {
            Identities = Try(() => NotEmpty(source, "identities", source.Texts("identities").Select((text, i) => IdentityOf(source, text, i))), []),
            Namespaces = Try(() => NotEmpty(source, "namespaces", source.Texts("namespaces").Select((text, i) => NamespaceOf(source, text, i))), []),
            Sources = Try(() => NotEmpty(source, "addresses", source.Texts("addresses").Select((text, i) => RangeOf(source, text, i))), []),
            NodeAddress = Try(() => source.Flag("nodeAddress"), null) ?? false,
        };
        // An empty source would be everybody, and nobody would write it to say so.
        if (source.IsEmpty)
            Note(source.ExpectedHere("identities, namespaces, addresses or nodeAddress"));
        else if (source.Has("nodeAddress") && !read.NodeAddress)
            Note(source.Expected("nodeAddress", "true, or nothing,"));
        else if (read.NodeAddress && (source.Has("identities") || source.Has("namespaces")))
            Note(source.Expected("nodeAddress", "no identities or namespaces beside it, since a node's address proves none,"));
        return read;
    }

    private static string IdentityOf(Fields source, string text, int i) => IdentityPattern.FaultOf(text) is { } fault
        ? throw source.ExpectedItem("identities", i, $"an identity like spiffe://cluster.local/ns/shop/sa/web ({fault})")
        : text;

    private static string NamespaceOf(Fields source, string text, int i) => SpiffeId.TryOf("any", text, "any", out _, out _)
        ? text
        : throw source.ExpectedItem("namespaces", i, "the name of a namespace, without wildcards,");

    private static IPNetwork RangeOf(Fields source, string text, int i)
    {
        if (AddressRanges.TryParse(text, out var range))
            return range;
        return Fields.TryReadAddress(text, out var address)
            ? new IPNetwork(address, address.GetAddressBytes().Length * 8)
            : throw source.ExpectedItem("addresses", i, "an address, or a range like 10.1.0.0/16 without bits behind the prefix,");
    }

    private static int PortOf(YamlNode item, string at) =>
        item is YamlScalar { Value: var text } && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and <= 65535
            ? port
            : throw new YamlFaultException(item.Line, $"expected a port from 1 to 65535 at {at}");

    private static ImmutableArray<T> NotEmpty<T>(Fields owner, string name, IEnumerable<T> items)
    {
        ImmutableArray<T> read = [.. items];
        return read.IsEmpty && owner.Has(name) ? throw owner.Expected(name, "at least one entry (leave the field out where anything may be)") : read;
    }

    private void Note(YamlFaultException fault) => _faults.Add(new SourceFault(new SourcePlace(origin, fault.Line), fault.Message));

    private void Check(Action check) => Try(() =>
    {
        check();
        return true;
    }, false);

    private T Try<T>(Func<T> read, T otherwise)
    {
        try
        {
            return read();
        }
        catch (YamlFaultException fault)
        {
            Note(fault);
            return otherwise;
        }
    }
}
