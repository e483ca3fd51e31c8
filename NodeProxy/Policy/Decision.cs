using Ambient.Protocol.Model;

namespace Ambient.NodeProxy.Policy;

/// <summary>Whether a connection may be delivered, and the rule that says so.</summary>
public readonly struct Decision
{
    private const int MostNames = 5;

    private readonly DecidingRule _decider;
    private readonly Workload _destination;
    private readonly PolicySet _policies;
    private readonly CompiledRule? _rule;

    internal Decision(bool allowed, DecidingRule decider, Workload destination, PolicySet policies, CompiledRule? rule = null) =>
        (Allowed, _decider, _destination, _policies, _rule) = (allowed, decider, destination, policies, rule);

    /// <summary>The connection may be delivered.</summary>
    public bool Allowed { get; }

    /// <summary>The pod's mode refuses it, for nothing else than being plaintext.</summary>
    public bool IsByMode => _decider == DecidingRule.ModeStrict;

    /// <summary>A policy says no, and not only that nothing says yes.</summary>
    public bool IsExplicit => _decider is DecidingRule.DeniedByRule or DecidingRule.PolicyClosed;

    /// <summary>The rule, for a person: "denied by AccessPolicy shop/orders rule 2". Made when asked for, so that deciding allocates nothing.</summary>
    public string Rule => _decider switch
    {
        DecidingRule.PolicyClosed => $"{_policies.Closed}: {Name} takes nothing",
        DecidingRule.UnprovenPeer => $"{Name} takes no tunnel from a peer without an identity",
        DecidingRule.DeniedByRule => $"denied by {RuleName}",
        DecidingRule.AllowedByRule => $"allowed by {RuleName}",
        DecidingRule.AllowedByNone => $"no rule of {AllowingNames} allows it",
        DecidingRule.ProvenPeer => $"{Name} takes enrolled peers",
        DecidingRule.Leaving => $"{Name} is leaving the mesh: others already speak plaintext to it",
        DecidingRule.PortExcluded => $"the port is excluded from capture at {Name}: others speak plaintext to it",
        DecidingRule.ModeStrict => $"mode STRICT of {Name} refuses plaintext",
        DecidingRule.ModePermissive => $"mode PERMISSIVE of {Name} delivers plaintext",
    };

    private string Name => $"{_destination.Namespace}/{_destination.WorkloadName}";

    private string RuleName => $"AccessPolicy {_rule!.Policy.Namespace}/{_rule.Policy.Name} rule {_rule.Number}";

    // A hundred policies may select a pod; a line of a log need not name them all.
    private string AllowingNames => _policies.AllowNames.Length switch
    {
        1 => $"AccessPolicy {_policies.AllowNames[0]}",
        <= MostNames => $"AccessPolicies {string.Join(", ", _policies.AllowNames)}",
        var count => $"AccessPolicies {string.Join(", ", _policies.AllowNames.Take(MostNames))} and {count - MostNames} more",
    };

    /// <inheritdoc/>
    public override string ToString() => Allowed ? $"allowed: {Rule}" : $"denied: {Rule}";
}
