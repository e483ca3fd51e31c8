using Ambient.NodeProxy.Telemetry;
using Ambient.Protocol.Identity;
using Ambient.Protocol.Model;

namespace Ambient.NodeProxy.Sessions;

/// <summary>Names an edge from either end, with the same words.</summary>
internal static class Edges
{
    /// <summary>As the client's node sees it.</summary>
    public static EdgeKey FromSource(
        string trustDomain, Workload source, Workload? destination, Service? service, Way way, Protection protection) => new(
        Reporter.Source,
        source.WorkloadName, source.Namespace, source.IdentityIn(trustDomain).ToString(),
        destination?.WorkloadName ?? "", destination?.Namespace ?? "",
        destination is not null && way is Way.Tunnel or Way.Direct ? destination!.IdentityIn(trustDomain).ToString() : "",
        service is null ? "" : $"{service.Namespace}/{service.Name}", way, protection);

    /// <summary>As the server's node sees it: a source counts as known only if what it proved fits its address.</summary>
    public static EdgeKey FromDestination(
        string trustDomain, Workload? source, SpiffeId? peer, Workload destination, Way way, Protection protection)
    {
        bool fits = source is not null && (peer is null || peer == source.IdentityIn(trustDomain));
        return new EdgeKey(
            Reporter.Destination,
            fits ? source!.WorkloadName : "", fits ? source!.Namespace : peer?.Namespace ?? "", peer?.ToString() ?? "",
            destination.WorkloadName, destination.Namespace, destination.IdentityIn(trustDomain).ToString(),
            "", way, protection);
    }
}
