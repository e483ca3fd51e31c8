using Ambient.NodeProxy.Telemetry;
using Ambient.Protocol.Identity;
using Ambient.Protocol.Model;

namespace Ambient.NodeProxy.Sessions;

/// <summary>Names an edge from either end, with the same words.</summary>
internal static class Edges
{
    // In place of workload and namespace, as "unknown" and "other" are; it has no identity, which a workload of that name has.
    private const string NodeName = "node";

    /// <summary>As the client's node sees it.</summary>
    public static EdgeKey FromSource(
        string trustDomain, Workload source, Workload? destination, Service? service, Way way, Protection protection) => new(
        Reporter.Source,
        source.WorkloadName, source.Namespace, source.IdentityIn(trustDomain).ToString(),
        destination?.WorkloadName ?? "", destination?.Namespace ?? "",
        destination is not null && way is Way.Tunnel or Way.Direct ? destination!.IdentityIn(trustDomain).ToString() : "",
        service is null ? "" : $"{service.Namespace}/{service.Name}", way, protection);

    /// <summary>As the server's node sees it: a source counts as known only if what it proved fits its address.</summary>
    /// <param name="fromNode">The address is a node's own: kubelet, or a pod with hostNetwork, which nobody can tell apart.</param>
    public static EdgeKey FromDestination(
        string trustDomain, Workload? source, SpiffeId? peer, Workload destination, Way way, Protection protection, bool fromNode = false)
    {
        if (source is null && peer is null && fromNode)
        {
            return new EdgeKey(
                Reporter.Destination, NodeName, NodeName, "",
                destination.WorkloadName, destination.Namespace, destination.IdentityIn(trustDomain).ToString(), "", way, protection);
        }

        bool fits = source is not null && (peer is null || peer == source.IdentityIn(trustDomain));
        return new EdgeKey(
            Reporter.Destination,
            fits ? source!.WorkloadName : "", fits ? source!.Namespace : peer?.Namespace ?? "", peer?.ToString() ?? "",
            destination.WorkloadName, destination.Namespace, destination.IdentityIn(trustDomain).ToString(),
            "", way, protection);
    }
}
