using System.Collections.Immutable;
using System.Net;

namespace Ambient.Protocol.Model;

/// <summary>A machine that pods run on.</summary>
public sealed record Node : MeshResource
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>The machine's own addresses: what arrives from one of them is no pod's.</summary>
    public ImmutableArray<IPAddress> Addresses { get; init; } = [];

    /// <summary>The zone it stands in; empty if unknown.</summary>
    public string Zone { get; init; } = "";

    /// <inheritdoc/>
    public override string Key => ResourceKeys.Node(Name);
}
