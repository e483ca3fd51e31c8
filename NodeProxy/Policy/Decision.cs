using Ambient.Protocol.Model;

namespace Ambient.NodeProxy.Policy;

/// <summary>Whether a connection may be delivered, and the rule that says so.</summary>
public readonly struct Decision
{
    private readonly DecidingRule _rule;
    private readonly Workload _destination;

    internal Decision(bool allowed, DecidingRule rule, Workload destination) => (Allowed, _rule, _destination) = (allowed, rule, destination);

    /// <summary>The connection may be delivered.</summary>
    public bool Allowed { get; }

    /// <summary>The rule, for a person: "mode STRICT of shop/api refuses plaintext". Made when asked for, so that deciding allocates nothing.</summary>
    public string Rule => _rule switch
    {
        DecidingRule.ProvenPeer => $"{Name} takes enrolled peers",
        DecidingRule.UnprovenPeer => $"{Name} takes no tunnel from a peer without an identity",
        DecidingRule.ModePermissive => $"mode PERMISSIVE of {Name} delivers plaintext",
        DecidingRule.ModeStrict => $"mode STRICT of {Name} refuses plaintext",
        DecidingRule.Leaving => $"{Name} is leaving the mesh: others already speak plaintext to it",
        DecidingRule.PortExcluded => $"the port is excluded from capture at {Name}: others speak plaintext to it",
    };

    private string Name => $"{_destination.Namespace}/{_destination.WorkloadName}";

    /// <inheritdoc/>
    public override string ToString() => Allowed ? $"allowed: {Rule}" : $"denied: {Rule}";
}
