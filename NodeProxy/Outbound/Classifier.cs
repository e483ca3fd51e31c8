using System.Net;
using System.Runtime.InteropServices;
using Ambient.NodeProxy.Balancing;
using Ambient.NodeProxy.Capture;
using Ambient.NodeProxy.Discovery;
using Ambient.NodeProxy.Telemetry;
using Ambient.Protocol.Model;

namespace Ambient.NodeProxy.Outbound;

/// <summary>Looks a destination up in one version of the view. No I/O, no state but the chooser's.</summary>
internal static class Classifier
{
    private const int MaxPassedOver = 8;

    /// <param name="views">Knows the machine's own addresses.</param>
    /// <param name="view">One version.</param>
    /// <param name="target">Where the app wanted to go.</param>
    /// <param name="chooser">Chooses among a service's endpoints.</param>
    /// <param name="caller">For whom.</param>
    /// <param name="tried">Endpoints that did not answer this connection.</param>
    public static Route Classify(MeshViewHolder views, MeshView view, IPEndPoint target, EndpointChooser chooser, in Caller caller, List<ReadyEndpoint> tried)
    {
        if (PodListeners.IsOwnPort(target.Port) && IPAddress.IsLoopback(target.Address))
        {
            return Route.Refuse(target, RefusalReason.OwnPort, $"port {target.Port} belongs to the mesh");
        }

        // 1. A service address. 2. A pod's address. 3. Inside the mesh's ranges: a node's own address, or wait. 4. Outside.
        if (view.TryFindService(target.Address, out var service)) return ToService(views, view, target, service, chooser, caller, tried);
        if (view.TryFindWorkload(target.Address, out var workload)) return ToWorkload(target, workload, null);
        if (view.Settings.Covers(target.Address))
        {
            // Known, and nobody there could take a tunnel.
            if (views.IsNodes(view, target.Address)) return new Route(RouteKind.Plain, target);
            return new Route(RouteKind.Wait, target)
            {
                Reason = RefusalReason.UnknownAddress,
                Detail = $"{target.Address} lies in the mesh's ranges, and no pod or service that this node is told of has it",
            };
        }

        return new Route(RouteKind.Passthrough, target);
    }

    private static Route ToService(
        MeshViewHolder views, MeshView view, IPEndPoint target, ServiceView service, EndpointChooser chooser, in Caller caller, List<ReadyEndpoint> tried)
    {
        string name = $"{service.Service.Namespace}/{service.Service.Name}";
        if (!service.TryFindPort(target.Port, out var port))
        {
            return Route.Refuse(target, RefusalReason.ServicePortUnknown, $"service {name} has no port {target.Port}");
        }

        var triedSpan = CollectionsMarshal.AsSpan(tried);
        if (!chooser.Choose(service, port, caller, triedSpan, out var endpoint))
        {
            return Route.Refuse(target, RefusalReason.NoHealthyEndpoint, tried.Count == 0
                ? $"service {name} has no ready endpoint for port {target.Port}"
                : $"service {name}: {tried.Count} endpoints did not answer, and there is no other");
        }

        var chosen = new IPEndPoint(endpoint.Address, endpoint.Port);
        var route = new Route(RouteKind.Plain, chosen)
        {
            Service = service.Service,
            Endpoint = endpoint,
            HasOtherEndpoint = EndpointChooser.HasOther(service, port, caller, triedSpan, endpoint),
        };
        if (endpoint.WorkloadUid is { } uid && view.TryFindWorkloadByUid(uid, out var workload)
            || view.TryFindWorkload(endpoint.Address, out workload))
        {
            return ToWorkload(chosen, workload, route);
        }

        // An endpoint that the view names but whose pod it does not know yet is as unknown as any address of the ranges.
        if (!view.Settings.Covers(endpoint.Address) || views.IsNodes(view, endpoint.Address)) return route;
        // Nobody has to wait for it while there is another that is known.
        if (route.HasOtherEndpoint && tried.Count < MaxPassedOver
            && ToService(views, view, target, service, chooser, caller, [.. tried, endpoint]) is { Kind: not (RouteKind.Wait or RouteKind.Refused) } other)
        {
            return other;
        }

        return new Route(RouteKind.Wait, chosen) { Reason = RefusalReason.UnknownAddress, Detail = $"endpoint {chosen} of {name} is not known yet" };
    }

    private static Route ToWorkload(IPEndPoint target, Workload workload, Route? route)
    {
        // Only an enrolled pod takes tunnels. One on its way in or out is spoken to in plaintext, which its node lets in as its mode says.
        // So is an excluded port, whatever the mode: its pod's rules leave it alone, so nobody would answer a tunnel there.
        var kind = workload.Enrolment == Enrolment.Enrolled && !workload.HostNetwork && !workload.ExcludedInboundPorts.Contains(target.Port)
            ? RouteKind.Mesh
            : RouteKind.Plain;
        return (route ?? new Route(kind, target)) with { Kind = kind, Destination = workload };
    }
}
