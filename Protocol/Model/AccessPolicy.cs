using System.Collections.Immutable;
using System.Net;

namespace Ambient.Protocol.Model;

/// <summary>What a policy does with what its rules match.</summary>
public enum PolicyAction
{
    /// <summary>Lets it through, and with it nothing else.</summary>
    Allow,

    /// <summary>Refuses it, whatever others allow.</summary>
    Deny,
}

/// <summary>
/// Who may call the pods that name it (<see cref="Workload.Policies"/>). A denying rule that matches denies; else, where allowing
/// policies are named, one of their rules has to match; else the pod's mode decides.
/// </summary>
public sealed record AccessPolicy : MeshResource
{
    /// <summary>Its namespace.</summary>
    public required string Namespace { get; init; }

    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>What happens to what a rule matches.</summary>
    public PolicyAction Action { get; init; }

    /// <summary>Any of them. None: an allowing policy allows nothing, a denying one denies nothing.</summary>
    public ImmutableArray<AccessRule> Rules { get; init; } = [];

    /// <summary>Why it cannot be enforced; null if it can. If not, the pods that name it take nothing.</summary>
    public string? Unenforceable { get; init; }

    /// <inheritdoc/>
    public override string Key => ResourceKeys.Policy(Namespace, Name);
}

/// <summary>What a rule matches: all parts that hold values have to match, of each part any one value. Without parts: everything.</summary>
public sealed record AccessRule
{
    /// <summary>SPIFFE IDs; <c>*</c> stands for one whole segment, or at the end for any rest.</summary>
    public ImmutableArray<string> Identities { get; init; } = [];

    /// <summary>Namespaces of the proven identity.</summary>
    public ImmutableArray<string> Namespaces { get; init; } = [];

    /// <summary>Where the connection comes from.</summary>
    public ImmutableArray<IPNetwork> Sources { get; init; } = [];

    /// <summary>The pod's ports.</summary>
    public ImmutableArray<int> Ports { get; init; } = [];

    /// <summary>The source proved no identity and its address is some node's own.</summary>
    public bool NodeAddress { get; init; }

    /// <summary>Its number in what a person wrote, from 1; several rules may come of one. 0 if unknown: then its place counts.</summary>
    public int Number { get; init; }
}
