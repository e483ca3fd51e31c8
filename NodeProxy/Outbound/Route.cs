using System.Net;
using Ambient.NodeProxy.Balancing;
using Ambient.NodeProxy.Discovery;
using Ambient.NodeProxy.Telemetry;
using Ambient.Protocol.Model;

namespace Ambient.NodeProxy.Outbound;

/// <summary>The outcome of looking a destination up.</summary>
/// <param name="Kind">Which way.</param>
/// <param name="Target">Address and port to reach.</param>
internal sealed record Route(RouteKind Kind, IPEndPoint Target)
{
    /// <summary>The pod there; null outside the mesh's knowledge.</summary>
    public Workload? Destination { get; init; }

    /// <summary>The service that was addressed; null for a direct address.</summary>
    public Service? Service { get; init; }

    /// <summary>The endpoint chosen for the service, for the count of its open work.</summary>
    public ReadyEndpoint? Endpoint { get; init; }

    /// <summary>There are endpoints beside this one and those tried before.</summary>
    public bool HasOtherEndpoint { get; init; }

    /// <summary>Why not, for <see cref="RouteKind.Refused"/>, and what a wait will end with.</summary>
    public RefusalReason Reason { get; init; }

    /// <summary>The same for a person.</summary>
    public string Detail { get; init; } = "";

    public static Route Refuse(IPEndPoint target, RefusalReason reason, string detail) =>
        new(RouteKind.Refused, target) { Reason = reason, Detail = detail };
}
