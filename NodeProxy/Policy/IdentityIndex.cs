using System.Runtime.InteropServices;
using Ambient.Protocol.Identity;

namespace Ambient.NodeProxy.Policy;

/// <summary>
/// Finds the rules that an identity may meet, without looking at the others. A pattern is filed under those of trust domain, namespace,
/// account and port that it fixes; an identity asks once for each combination that occurs (at most sixteen). Patterns that end in a
/// part of a name are filed by their beginning, and asked for once a length that occurs.
/// </summary>
internal sealed class IdentityIndex
{
    // Beyond this a rule is filed under its identities alone: the index must not become the product of two long lists.
    private const int MostEntriesOfRule = 1_024;

    private readonly Dictionary<Key, List<Entry>> _byParts = [];
    private readonly Dictionary<string, List<Entry>> _byBeginning = [];
    private Shape[] _shapes = [];
    private int[] _lengths = [];

    /// <summary>Files a rule under its identities, or, where it has none, under its namespaces. Rules come in order.</summary>
    public void Add(int place, CompiledRule rule)
    {
        var (identities, namespaces, ports) = (rule.Rule.Identities, rule.Rule.Namespaces, rule.Rule.Ports);
        ReadOnlySpan<int> filed = ports.IsEmpty || (long)Math.Max(identities.Length, namespaces.Length) * ports.Length > MostEntriesOfRule ? [0] : ports.AsSpan();
        foreach (string pattern in identities)
        {
            if (TryReadBeginning(pattern, out string beginning)) ListOf(_byBeginning, beginning).Add(new Entry(place, null));
            else File(KeyOf(pattern, out bool isExact), filed, new Entry(place, isExact ? null : pattern));
        }

        if (!identities.IsEmpty) return;
        foreach (string name in namespaces) File(new Key(null, name, null, 0), filed, new Entry(place, null));
    }

    /// <summary>No rule follows.</summary>
    public void Close()
    {
        _shapes = [.. _byParts.Keys.Select(key => new Shape(key.TrustDomain is not null, key.Namespace is not null, key.Account is not null, key.Port != 0)).Distinct()];
        _lengths = [.. _byBeginning.Keys.Select(beginning => beginning.Length).Distinct()];
    }

    /// <summary>The first rule that matches, if it is before another; else that other.</summary>
    public int First(in RuleSubject subject, CompiledRule[] rules, int best)
    {
        if (subject.Peer is not { } peer) return best;
        foreach (var shape in _shapes)
        {
            var key = new Key(
                shape.TrustDomain ? peer.TrustDomain : null, shape.Namespace ? peer.Namespace : null,
                shape.Account ? peer.ServiceAccount : null, shape.Port ? subject.Port : 0);
            if (_byParts.TryGetValue(key, out var entries)) best = First(entries, subject, rules, best);
        }

        if (_lengths.Length == 0) return best;
        var byBeginning = _byBeginning.GetAlternateLookup<ReadOnlySpan<char>>();
        ReadOnlySpan<char> text = peer.ToString();
        foreach (int length in _lengths)
        {
            if (length < text.Length && byBeginning.TryGetValue(text[..length], out var entries)) best = First(entries, subject, rules, best);
        }

        return best;
    }

    private static int First(List<Entry> entries, in RuleSubject subject, CompiledRule[] rules, int best)
    {
        foreach (var entry in CollectionsMarshal.AsSpan(entries))
        {
            if (entry.Place >= best) return best;
            if (rules[entry.Place].MatchesBesidesIdentity(subject)
                && (entry.Pattern is null || IdentityPattern.Matches(entry.Pattern, subject.Peer!.ToString()))) return entry.Place;
        }

        return best;
    }

    // "spiffe://cluster.local/ns/shop/sa/web-*": one star, at the end, behind a begun name. "*" begins with nothing, and means everybody.
    private static bool TryReadBeginning(string pattern, out string beginning)
    {
        bool has = pattern.IndexOf('*') == pattern.Length - 1 && pattern[^1] == '*';
        beginning = has ? pattern[..^1] : "";
        return has;
    }

    // A part that holds a star is left open; whether it fits is decided by the pattern.
    private static Key KeyOf(string pattern, out bool isExact)
    {
        string[] segments = pattern.Split('/');
        isExact = SpiffeId.TryParse(pattern, out _, out _);
        return new Key(Part(2), Part(4), Part(6), 0);

        string? Part(int i) => i < segments.Length && !segments[i].Contains('*') ? segments[i] : null;
    }

    private void File(Key key, ReadOnlySpan<int> ports, Entry entry)
    {
        foreach (int port in ports) ListOf(_byParts, key with { Port = port }).Add(entry);
    }

    private static List<Entry> ListOf<TKey>(Dictionary<TKey, List<Entry>> all, TKey key)
        where TKey : notnull
    {
        ref var list = ref CollectionsMarshal.GetValueRefOrAddDefault(all, key, out _);
        return list ??= [];
    }

    /// <summary>Null and 0 for what is not fixed.</summary>
    private readonly record struct Key(string? TrustDomain, string? Namespace, string? Account, int Port);

    private readonly record struct Shape(bool TrustDomain, bool Namespace, bool Account, bool Port);

    /// <param name="Place">Of the rule.</param>
    /// <param name="Pattern">What the key does not say all of; null where it does.</param>
    private readonly record struct Entry(int Place, string? Pattern);
}
