using System.Reflection;
using Ambient.NodeProxy.Admin;
using Ambient.NodeProxy.Discovery;
using Ambient.NodeProxy.Identity;
using Ambient.NodeProxy.Sessions;
using Ambient.NodeProxy.Telemetry;

namespace Ambient.NodeProxy;

/// <summary>How the node stands, for those who ask: the controller, a scrape, ambientctl, a readiness probe.</summary>
internal sealed class NodeStanding(MeshViewHolder views, IdentityStore identities) : INodeStatus, IReadinessSource, IConnectionLister
{
    private NodeProcess? _node;
    private StateKeeper? _keeper;
    private TimeProvider _time = TimeProvider.System;

    /// <summary>Name and version of this process.</summary>
    public string Software { get; } = "ambient-node/" + (typeof(NodeStanding).Assembly.GetName().Version?.ToString(3) ?? "0");

    public ControllerStream? Stream { get; set; }

    public int CapturedPods => _node?.Capture.CapturedPods ?? 0;

    public int OpenConnections => _node?.OpenConnections ?? 0;

    public void Attach(NodeProcess node, StateKeeper keeper, TimeProvider time) => (_node, _keeper, _time) = (node, keeper, time);

    public NodeGauges Gauges() => new(
        OpenConnections, CapturedPods, Stream?.IsConnected ?? false, views.Current.Version,
        _keeper?.ViewReceived is { } received ? _time.GetUtcNow() - received : null,
        [.. identities.All.Select(svid => KeyValuePair.Create(svid.Id.ToString(), svid.NotAfter))],
        _node?.Bugs ?? 0)
    {
        DescriptorsHeld = _node?.Capacity.Held ?? 0,
        DescriptorsAllowed = _node?.Capacity.Limit ?? 0,
        AcceptHolds = _node?.Capacity.Holds ?? 0,
        IsMemoryShort = _node?.Capacity.IsMemoryShort ?? false,
    };

    public IReadOnlyList<Readiness> Check() =>
    [
        new("view", views.Current.IsPresent, views.Current.IsPresent ? "" : "no view from a controller or a predecessor yet"),
        _node?.Capture.IsRedirectorConnected ?? false ? new("redirector", true, "") : new("redirector", false, "ambient-redirector does not answer"),
    ];

    public async Task<IReadOnlyList<ConnectionListing>> ListAsync(int limit, CancellationToken cancellation) =>
        _node is null ? [] : [.. (await _node.ListSessionsAsync(limit)).Take(limit).Select(Listing)];

    private static ConnectionListing Listing(SessionStanding session)
    {
        var edge = session.Facts.Edge;
        string source = $"{edge.SourceNamespace}/{edge.SourceWorkload}";
        string destination = $"{edge.DestinationNamespace}/{edge.DestinationWorkload}";
        return new ConnectionListing(
            Labels.Of(edge.Reporter), edge.Reporter == Reporter.Source ? source : destination,
            session.Facts.Client.ToString(), session.Facts.Target.ToString(), source, destination, edge.Service,
            Labels.Of(edge.Way), Labels.Of(edge.Protection), session.Age.TotalSeconds, session.SentBytes, session.ReceivedBytes);
    }
}
