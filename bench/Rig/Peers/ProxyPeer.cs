using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
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
    private readonly bool _sameNode;
    private readonly int _portOffset;
    private readonly ImmutableArray<LabProcess> _started;

    private ProxyPeer(Ground ground, bool sameNode, ProxyKind kind, ImmutableArray<LabProcess> started, string configuration)
    {
        (_ground, _sameNode, _portOffset, _started) = (ground, sameNode, kind.PortOffset, started);
        (Name, Configuration) = (kind.Name, configuration);
    }

    public string Name { get; }

    public string ClientNetwork => _ground.Client.Network;

    public string ServerNetwork => (_sameNode ? _ground.Beside : _ground.Server).Network;

    // Workers come and go with the main process; it is asked anew each time.
    public IReadOnlyList<int> Processes => [.. _started.SelectMany(process => ProcessTree.Of(process.Id))];

    public string Configuration { get; }

    public IPEndPoint AddressOf(int serverPort) => new(Ground.NodeAddress(1), _portOffset + serverPort);

    /// <summary>Starts the processes and waits until they listen.</summary>
    /// <param name="ground">Where.</param>
    /// <param name="kind">Which product, and how it is set up.</param>
    /// <param name="sameNode">One plain hop in place of two with TLS between.</param>
    public static async Task<ProxyPeer> StartAsync(Ground ground, ProxyKind kind, bool sameNode)
    {
        var hops = sameNode
            ? ImmutableArray.Create((Node: 1, Setup: kind.Plain(Routes(kind, 1, ground.Beside.V4, 0))))
            : [(1, kind.Client(Routes(kind, 1, Ground.NodeAddress(2), kind.PortOffset))), (2, kind.Server(Routes(kind, 2, ground.Server.V4, 0)))];
        var started = ImmutableArray.CreateBuilder<LabProcess>();
        foreach (var (node, setup) in hops)
            started.Add(LabProcess.Start($"{kind.Name} on n{node}", setup.Command.Inside(Topology.NodeNetwork(node)), ground.Lab.Log));
        var peer = new ProxyPeer(ground, sameNode, kind, started.ToImmutable(), string.Join("\n\n", hops.Select(hop => hop.Setup.Configuration)));
        foreach (var (node, _) in hops)
        {
            await ground.Lab.UntilAsync($"{kind.Name} listens on n{node}", TimeSpan.FromSeconds(15), async () =>
            {
                var listening = await Tool.MustAsync(Command.Of("ss", "-Hltn").Inside(Topology.NodeNetwork(node)));
                return listening.Contains($"{Ground.NodeAddress(node)}:{kind.PortOffset + Ground.ServerPorts[0]} ", StringComparison.Ordinal) ? null : listening;
            });
        }
        return peer;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _started)
        {
            var tree = ProcessTree.Of(process.Id);
            await process.TerminateAsync();
            foreach (var id in tree.Where(id => Directory.Exists($"/proc/{id}"))) Native.Processes.Signals.Kill(id);
        }
    }

    // Each server port is forwarded from the same port plus the peer's offset, so that peers do not meet.
    private static ImmutableArray<ProxyRoute> Routes(ProxyKind kind, int node, IPAddress to, int offset) =>
        [.. Ground.ServerPorts.Select(port => new ProxyRoute(new IPEndPoint(Ground.NodeAddress(node), kind.PortOffset + port), new IPEndPoint(to, offset + port)))];
}

/// <summary>One port that a proxy forwards.</summary>
/// <param name="From">Where it listens.</param>
/// <param name="To">Where it connects to.</param>
internal sealed record ProxyRoute(IPEndPoint From, IPEndPoint To);

/// <summary>How one process of a peer is started.</summary>
/// <param name="Command">In the foreground.</param>
/// <param name="Configuration">What it was told, in full.</param>
internal sealed record ProxySetup(Command Command, string Configuration);

/// <summary>A product and how it is set up for each place.</summary>
internal abstract class ProxyKind(string name, int portOffset)
{
    /// <summary>Its name in tables and result lines.</summary>
    public string Name => name;

    /// <summary>Added to the server's ports for the ports of this peer.</summary>
    public int PortOffset => portOffset;

    /// <summary>Plain TCP in, mutual TLS 1.3 out.</summary>
    public abstract ProxySetup Client(ImmutableArray<ProxyRoute> routes);

    /// <summary>Mutual TLS 1.3 in, plain TCP out.</summary>
    public abstract ProxySetup Server(ImmutableArray<ProxyRoute> routes);

    /// <summary>Plain TCP in and out.</summary>
    public abstract ProxySetup Plain(ImmutableArray<ProxyRoute> routes);
}
