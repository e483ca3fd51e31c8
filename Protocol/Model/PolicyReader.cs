using System.Collections.Immutable;
using System.Net;
using Ambient.Protocol.Mesh.V1;
using Google.Protobuf;

namespace Ambient.Protocol.Model;

/// <summary>Reads a policy from the wire.</summary>
internal static class PolicyReader
{
    // A policy is never refused for what it says: the pods that name it would then miss it, and a node acts on all of it or denies.
    internal static (MeshResource?, string?) Read(PolicyResource p)
    {
        if ((ResourceReader.NameFault("namespace", p.Namespace) ?? ResourceReader.NameFault("name", p.Name)) is { } fault)
            return (null, fault);
        var rules = ImmutableArray.CreateBuilder<AccessRule>(p.Rules.Count);
        string? unenforceable = p.Unenforceable.Length > 0 ? p.Unenforceable : HasUnknownParts(p) ? "it has parts that this version does not know" : null;
        foreach (PolicyRule rule in p.Rules)
        {
            if (!WireAddresses.TryReadRanges(rule.Sources, out ImmutableArray<IPNetwork> sources))
                unenforceable ??= "a source range is malformed";
            if (!WireAddresses.TryReadPorts(rule.Ports, out ImmutableArray<int> ports))
                unenforceable ??= "a port is not between 1 and 65535";
            rules.Add(new AccessRule
            {
                Identities = [.. rule.Identities],
                Namespaces = [.. rule.Namespaces],
                Sources = sources,
                Ports = ports,
                NodeAddress = rule.NodeAddress,
                Number = (int)Math.Min(rule.Number, int.MaxValue),
            });
        }
        bool isKnown = p.Action is Mesh.V1.PolicyAction.Allow or Mesh.V1.PolicyAction.Deny;
        return (new AccessPolicy
        {
            Namespace = p.Namespace,
            Name = p.Name,
            Action = p.Action == Mesh.V1.PolicyAction.Allow ? PolicyAction.Allow : PolicyAction.Deny,
            Rules = rules.MoveToImmutable(),
            Unenforceable = unenforceable ?? (isKnown ? null : $"action {(int)p.Action} is unknown to this version"),
        }, null);
    }

    // A newer controller's rule may say "only if": dropping that part, as readers of protobuf do, would leave a rule that allows more.
    private static bool HasUnknownParts(PolicyResource policy)
    {
        byte[] all = policy.ToByteArray();
        return PolicyResource.Parser.WithDiscardUnknownFields(true).ParseFrom(all).CalculateSize() != all.Length;
    }
}
