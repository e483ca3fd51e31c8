using System.Collections.Immutable;
using Ambient.Protocol.Identity;
using Ambient.Protocol.Model;

namespace Ambient.NodeProxy.Policy;

/// <summary>All policies that select a pod, made ready. Immutable; pods that name the same policies share one.</summary>
public sealed class PolicySet
{
    private readonly ImmutableArray<string> _keys;
    private readonly AccessPolicy?[] _found;

    private PolicySet(ImmutableArray<string> keys, AccessPolicy?[] found)
    {
        (_keys, _found) = (keys, found);
        for (int i = 0; i < found.Length && Closed is null; i++)
        {
            Closed = found[i] is null ? $"{NameOf(keys[i])} has not arrived"
                : FaultOf(found[i]!) is { } fault ? $"{NameOf(keys[i])} cannot be enforced ({fault})" : null;
        }

        if (Closed is not null) return;
        Denying = new RuleIndex(RulesOf(PolicyAction.Deny), allows: false);
        Allowing = new RuleIndex(RulesOf(PolicyAction.Allow), allows: true);
        AllowNames = [.. found.Where(policy => policy!.Action == PolicyAction.Allow).Select(policy => $"{policy!.Namespace}/{policy.Name}")];
    }

    /// <summary>Of a pod that no policy selects.</summary>
    public static PolicySet None { get; } = new([], []);

    /// <summary>Why the pod takes nothing at all; null if that is not so. A policy that is missing or not understood may be one that denies.</summary>
    internal string? Closed { get; }

    internal RuleIndex? Denying { get; }

    internal RuleIndex? Allowing { get; }

    /// <summary>The policies of which one has to allow; empty if the mode decides.</summary>
    internal ImmutableArray<string> AllowNames { get; } = [];

    /// <summary>Makes the policies that a workload names ready.</summary>
    /// <param name="keys">Their keys.</param>
    /// <param name="lookup">Where they are found.</param>
    public static PolicySet Compile(ImmutableArray<string> keys, IPolicyLookup lookup) =>
        keys.IsEmpty ? None : new PolicySet(keys, [.. keys.Select(key => lookup.TryFindPolicy(key, out var policy) ? policy : null)]);

    /// <summary>Whether it still is what the keys lead to.</summary>
    internal bool IsOf(IPolicyLookup lookup)
    {
        for (int i = 0; i < _keys.Length; i++)
        {
            lookup.TryFindPolicy(_keys[i], out var policy);
            if (!ReferenceEquals(policy, _found[i])) return false;
        }

        return true;
    }

    internal static string NameOf(string key) =>
        $"AccessPolicy {(key.StartsWith(ResourceKeys.PolicyPrefix, StringComparison.Ordinal) ? key[ResourceKeys.PolicyPrefix.Length..] : key)}";

    // The controller has looked at all of this; another version's controller may have let through what this one does not know.
    private static string? FaultOf(AccessPolicy policy)
    {
        if (policy.Unenforceable is { } reason) return reason;
        foreach (var rule in policy.Rules)
        {
            foreach (string pattern in rule.Identities)
            {
                if (IdentityPattern.FaultOf(pattern) is { } fault) return $"identity '{pattern}': {fault}";
            }
        }

        return null;
    }

    private CompiledRule[] RulesOf(PolicyAction action) =>
        [.. _found.Where(policy => policy!.Action == action).SelectMany(policy => policy!.Rules.Select((_, place) => new CompiledRule(policy, place)))];
}
