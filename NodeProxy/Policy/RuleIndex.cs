using System.Runtime.InteropServices;

namespace Ambient.NodeProxy.Policy;

/// <summary>
/// The rules of all policies of one action that select a pod. Each is filed under what it asks for first (identities, namespaces, the
/// node's address, sources, ports), so that a connection meets those that could be meant and no others.
/// </summary>
internal sealed class RuleIndex
{
    private readonly CompiledRule[] _rules;
    private readonly bool _allows;
    private readonly IdentityIndex _identities = new();
    private readonly Dictionary<SourceKey, List<int>> _bySource = [];
    private readonly Dictionary<int, List<int>> _byPort = [];
    private readonly Dictionary<int, List<int>> _ofNodes = [];
    private readonly SourceShape[] _shapes;

    /// <param name="rules">In the order in which they are named when several match.</param>
    /// <param name="allows">They allow: then what comes from a node's own address is met by rules that say so, and by no others.</param>
    public RuleIndex(CompiledRule[] rules, bool allows)
    {
        _rules = rules;
        _allows = allows;
        for (int i = 0; i < rules.Length; i++) File(i, rules[i]);
        _identities.Close();
        _shapes = [.. _bySource.Keys.Select(key => new SourceShape(key.Range.First.IsV4, key.Range.PrefixLength, key.Port != 0)).Distinct()];
    }

    /// <summary>The first rule that matches; null if none does. Allocates nothing.</summary>
    public CompiledRule? FirstMatch(in RuleSubject subject)
    {
        int best = int.MaxValue;
        if (subject.IsNodeAddress) best = AtPort(_ofNodes, subject, best);
        if (!_allows || !subject.IsNodeAddress)
        {
            best = AtPort(_byPort, subject, best);
            best = _identities.First(subject, _rules, best);
            best = FromSource(subject, best);
        }

        return best == int.MaxValue ? null : _rules[best];
    }

    private void File(int place, CompiledRule rule)
    {
        var asked = rule.Rule;
        ReadOnlySpan<int> ports = asked.Ports.IsEmpty ? [0] : asked.Ports.AsSpan();
        // What asks for the node's address and for an identity as well asks for what cannot be.
        if (!asked.Identities.IsEmpty || !asked.Namespaces.IsEmpty)
        {
            _identities.Add(place, rule);
        }
        else if (asked.NodeAddress || asked.Sources.IsEmpty)
        {
            foreach (int port in ports) ListOf(asked.NodeAddress ? _ofNodes : _byPort, port).Add(place);
        }
        else
        {
            foreach (var source in asked.Sources)
            {
                // One port is the common case; a rule of several is filed under its sources alone, not under the product.
                ListOf(_bySource, new SourceKey(SourceRange.Of(source), ports.Length == 1 ? ports[0] : 0)).Add(place);
            }
        }
    }

    private int AtPort(Dictionary<int, List<int>> rules, in RuleSubject subject, int best)
    {
        if (rules.TryGetValue(subject.Port, out var ofPort)) best = First(ofPort, subject, best);
        if (rules.TryGetValue(0, out var ofAny)) best = First(ofAny, subject, best);
        return best;
    }

    private int FromSource(in RuleSubject subject, int best)
    {
        foreach (var shape in _shapes)
        {
            if (shape.IsV4 != subject.Source.IsV4) continue;
            var key = new SourceKey(new SourceRange(subject.Source.Prefix(shape.PrefixLength), shape.PrefixLength), shape.HasPort ? subject.Port : 0);
            if (_bySource.TryGetValue(key, out var rules)) best = First(rules, subject, best);
        }

        return best;
    }

    private int First(List<int> places, in RuleSubject subject, int best)
    {
        foreach (int place in CollectionsMarshal.AsSpan(places))
        {
            if (place >= best) return best;
            if (_rules[place].MatchesBesidesIdentity(subject)) return place;
        }

        return best;
    }

    private static List<int> ListOf<TKey>(Dictionary<TKey, List<int>> all, TKey key)
        where TKey : notnull
    {
        ref var list = ref CollectionsMarshal.GetValueRefOrAddDefault(all, key, out _);
        return list ??= [];
    }

    private readonly record struct SourceKey(SourceRange Range, int Port);

    private readonly record struct SourceShape(bool IsV4, int PrefixLength, bool HasPort);
}
