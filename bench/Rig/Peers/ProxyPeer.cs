using System.Collections.Immutable;
using System.Net;
using Ambient.Bench.Rig.Accounting;
using Ambient.Cli.Lab;

namespace Ambient.Bench.Rig.Peers;

/// <summary>
/// A product as a hand-made mesh: process A in the client's node takes plain TCP and speaks mutual TLS 1.3 to process B in the server's
/// node, which hands on to the server. On one node there is one process, and no TLS.
/// </summary>
internal sealed class ProxyPeer : IPeer
{
    private readonly Ground _ground;
    private readonly PodPlan _client;
    private readonly PodPlan _server;
    private readonly ProxyKind _kind;
    private readonly ImmutableArray<(int Node, ProxySetup Setup, IPEndPoint Last)> _hops;
    private ImmutableArray<LabProcess> _running = [];

    private ProxyPeer(Ground ground, ProxyKind kind, PodPlan client, PodPlan server, ImmutableArray<(int Node, ProxySetup Setup, IPEndPoint Last)> hops)
    {
        (_ground, _kind, _client, _server, _hops) = (ground, kind, client, server, hops);
    }

    public string Name => _kind.Name;

    public string ClientNetwork => _client.Network;

    public string ServerNetwork => _server.Network;

    // Workers come and go with the main process; it is asked anew each time.
    public IReadOnlyList<int> Processes => [.. _running.SelectMany(process =>
        process.Ended.IsCompleted ? throw new LabException($"{process.Name} has ended") : ProcessTree.Of(process.Id))];

    public string Configuration => string.Join("\n\n", _hops.Select(hop => hop.Setup.Configuration));

    public int MostConnections => DescriptorLimit.OfRelay;

    public IPEndPoint AddressOf(int serverPort) => new(Ground.NodeAddress(_client.Node), _kind.PortOffset + serverPort);

    /// <summary>Starts the processes and waits until they listen. On one node there is one plain hop in place of two with TLS between.</summary>
    /// <param name="ground">Where.</param>
    /// <param name="kind">Which product, and how it is set up.</param>
    /// <param name="client">The pod that clients run in.</param>
    /// <param name="server">The server's.</param>
    /// <param name="ways">What it forwards.</param>
    public static async Task<ProxyPeer> StartAsync(Ground ground, ProxyKind kind, PodPlan client, PodPlan server, IReadOnlyList<ProxyHops> ways)
    {
        ImmutableArray<(int Node, ProxySetup Setup, IPEndPoint Last)> hops = client.Node == server.Node
            ? [(client.Node, kind.Plain([.. ways.Select(way => new ProxyRoute(way.A, way.Server, way.Keys))]), ways[^1].A)]
            :
            [
                (client.Node, kind.Client([.. ways.Select(way => new ProxyRoute(way.A, way.B, way.Keys))]), ways[^1].A),
                (server.Node, kind.Server([.. ways.Select(way => new ProxyRoute(way.B, way.Server, way.Keys))]), ways[^1].B),
            ];
        var peer = new ProxyPeer(ground, kind, client, server, hops);
        await peer.StartAsync();
        return peer;
    }

    public async Task RestartAsync()
    {
        await StopAsync();
        await StartAsync();
    }

    public Task CloseLinksAsync() =>
        LinkEnds.CloseAsync(_ground, Topology.NodeNetwork(_client.Node), "dst", $"{Ground.NodeAddress(_server.Node)}", "dport", ">", $":{_kind.PortOffset}");

    public async ValueTask DisposeAsync() => await StopAsync();

    private async Task StartAsync()
    {
        _running = [.. _hops.Select(hop => LabProcess.Start($"{Name} on n{hop.Node}", hop.Setup.Command.Inside(Topology.NodeNetwork(hop.Node)), _ground.Lab.Log))];
        foreach (var (node, _, last) in _hops)
        {
            await _ground.Lab.UntilAsync($"{Name} listens on n{node}", TimeSpan.FromSeconds(15), async () =>
            {
                var listening = await Tool.MustAsync(Command.Of("ss", "-Hltn").Inside(Topology.NodeNetwork(node)));
                return listening.Contains($"{last} ", StringComparison.Ordinal) ? null : listening;
            });
        }
    }

    // Workers of one that was killed would go on serving.
    private async Task StopAsync()
    {
        foreach (var process in _running)
        {
            var tree = process.Ended.IsCompleted ? [] : ProcessTree.Of(process.Id);
            await process.TerminateAsync();
            foreach (var id in tree.Where(id => Directory.Exists($"/proc/{id}"))) Native.Processes.Signals.Kill(id);
        }
        _running = [];
    }
}
