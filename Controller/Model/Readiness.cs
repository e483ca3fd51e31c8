using Ambient.Protocol.Mesh.V1;

namespace Ambient.Controller.Model;

/// <summary>Which endpoints of one service take new connections.</summary>
/// <remarks>
/// As kube-proxy has it: the ready ones; where there are none, those that are terminating and still serve, since a refused
/// connection is worse than one to an app that is about to go. Decided here and not on the nodes, which are told one bit an
/// endpoint. "Where" is the service, or, with <c>internalTrafficPolicy: Local</c>, each node on its own.
/// </remarks>
/// <param name="isNodeLocal">Each node uses only its own endpoints.</param>
internal sealed class Readiness(bool isNodeLocal)
{
    private readonly List<EndpointResource> _leaving = [];
    private readonly HashSet<string> _placesWithReady = [];

    /// <summary>Notes an endpoint with all that its slices said of it.</summary>
    /// <param name="isLeaving">It is terminating, still serves, and is not ready.</param>
    internal void Add(EndpointResource endpoint, bool isLeaving)
    {
        if (endpoint.Ready)
            _placesWithReady.Add(PlaceOf(endpoint));
        else if (isLeaving)
            _leaving.Add(endpoint);
    }

    /// <summary>Lets those that are leaving take over where nobody else is left.</summary>
    internal void Settle()
    {
        foreach (var endpoint in _leaving)
            endpoint.Ready = !_placesWithReady.Contains(PlaceOf(endpoint));
    }

    private string PlaceOf(EndpointResource endpoint) => isNodeLocal ? endpoint.Node : "";
}
