using System.Collections.Frozen;
using Ambient.Protocol.Model;

namespace Ambient.NodeProxy.Policy;

/// <summary>One rule, made ready: each of its parts is one lookup, however many values it has. The identities are the index's matter.</summary>
internal sealed class CompiledRule
{
    private readonly FrozenSet<string>? _namespaces;
    private readonly SourceSet? _sources;
    private readonly FrozenSet<int>? _ports;
    private readonly bool _nodeAddress;

    /// <param name="policy">Whose it is.</param>
    /// <param name="place">Its place there, from 0.</param>
    public CompiledRule(AccessPolicy policy, int place)
    {
        var rule = policy.Rules[place];
        Policy = policy;
        Rule = rule;
        Number = rule.Number > 0 ? rule.Number : place + 1;
        _namespaces = rule.Namespaces.IsEmpty ? null : rule.Namespaces.ToFrozenSet(StringComparer.Ordinal);
        _sources = rule.Sources.IsEmpty ? null : new SourceSet(rule.Sources.Select(SourceRange.Of));
        _ports = rule.Ports.IsEmpty ? null : rule.Ports.ToFrozenSet();
        _nodeAddress = rule.NodeAddress;
    }

    public AccessPolicy Policy { get; }

    /// <summary>As it came.</summary>
    public AccessRule Rule { get; }

    /// <summary>What a person calls it, from 1.</summary>
    public int Number { get; }

    /// <summary>Whether all parts but the identities match.</summary>
    public bool MatchesBesidesIdentity(in RuleSubject subject) =>
        (_ports is null || _ports.Contains(subject.Port))
        && (_namespaces is null || (subject.Peer is not null && _namespaces.Contains(subject.Peer.Namespace)))
        && (_sources is null || _sources.Contains(subject.Source))
        && (!_nodeAddress || subject.IsNodeAddress);
}
