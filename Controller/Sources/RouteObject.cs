using System.Collections.Immutable;

namespace Ambient.Controller.Sources;

/// <summary>A route of the Gateway API, known as far as which Services it is attached to. What it says of traffic is not read yet.</summary>
/// <param name="Services">Its parents that are Services (GAMMA); Gateways are others' business.</param>
/// <param name="HasOurStatus">Its status holds an entry of ours.</param>
internal sealed record RouteObject(string Kind, string Namespace, string Name, ImmutableArray<RouteParent> Services, bool HasOurStatus, SourcePlace Place)
    : SourceObject(Kind, Namespace, Name, Place)
{
    /// <summary>The version of its kind that it was read in, and that is served: v1, v1alpha2.</summary>
    internal required string Version { get; init; }
}
