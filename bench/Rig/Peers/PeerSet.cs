using System.Net;
using Ambient.Bench.Rig.Accounting;
using Ambient.Bench.Rig.Loads;
using Ambient.Bench.Rig.Peers.Ztunnel;
using Ambient.Cli.Lab;

namespace Ambient.Bench.Rig.Peers;

/// <summary>All who take part on a stage.</summary>
internal sealed class PeerSet(Ground ground, Stage stage, Func<string, bool> takesPart)
{
    /// <summary>The port of servers that many pairs of pods talk to.</summary>
    public const int PairsPort = 8080;

    /// <summary>Ports that servers listen on and that every peer forwards, where there is one pair.</summary>
    private static readonly int[] ServerPorts = [HttpServer.Port, IperfLoad.Port, RedisLoad.Port, PostgresServer.Port];

    /// <summary>Starts them.</summary>
    /// <param name="peers">Takes each that is started, also when a later one fails: they are the caller's to end.</param>
    public async Task StartAsync(ICollection<IPeer> peers)
    {
        if (takesPart("ambient")) peers.Add(Ours("ambient", 1));
        if (OtherPrograms.NodeProxy is not null && takesPart("ambient-other")) peers.Add(Ours("ambient-other", 3));
        if (stage is Stage.Dense or Stage.Rest) return;
        var (client, server) = StagePlan.PeersOf(ground.Lab.Plan, stage);
        if (stage != Stage.Pairs && takesPart("direct")) peers.Add(new DirectPeer(client, server));
        if (stage != Stage.Pairs && OtherPrograms.Ztunnel is { } program && takesPart("ztunnel"))
        {
            var (from, to) = StagePlan.ZtunnelsOf(ground.Lab.Plan, stage);
            peers.Add(await ZtunnelPeer.StartAsync(ground, program, from, to));
        }
        foreach (var kind in Kinds().Where(kind => takesPart(kind.Name)))
        {
            if (stage != Stage.Pairs) peers.Add(await ProxyPeer.StartAsync(ground, kind, client, server, Routes(kind, client, server)));
            else if (kind.HasKeysForEachRoute) peers.Add(await StartPairsAsync(kind, client, server));
        }
    }

    private IPeer Ours(string name, int firstNode)
    {
        var pairs = StagePlan.PairsOf(ground.Lab.Plan, stage, firstNode);
        var peer = new AmbientPeer(ground, name, pairs[0].Client, pairs[0].Server);
        if (stage is not (Stage.Pairs or Stage.Dense)) return peer;
        int port = stage == Stage.Dense ? IdleClients.Port : PairsPort;
        return new PairsPeer(peer, [.. pairs.Select(pair => new LoadTarget(pair.Client.Network, new IPEndPoint(pair.Server.V4, port)))],
            [.. pairs.Select(pair => pair.Server.Network)], DescriptorLimit.OfOurs(pairs.Count));
    }

    // A port, a client certificate and a server certificate for each identity: what a hand-made mesh needs so that servers can tell clients
    // apart. One pod is all clients, and one all servers: what goes through the proxies is the same, and the peers are spared the rest.
    private async Task<IPeer> StartPairsAsync(ProxyKind kind, PodPlan client, PodPlan server)
    {
        int pairs = StagePlan.PairsOf(ground.Lab.Plan, stage, 1).Count;
        var keys = PeerKeys.Make(ground.Folder, (pairs + StagePlan.PairsAnIdentity - 1) / StagePlan.PairsAnIdentity);
        var routes = Enumerable.Range(0, pairs).Select(i => new ProxyHops(
            new IPEndPoint(Ground.NodeAddress(1), kind.PortOffset + i), new IPEndPoint(Ground.NodeAddress(2), kind.PortOffset + i), new IPEndPoint(server.V4, PairsPort),
            keys[i / StagePlan.PairsAnIdentity])).ToList();
        var peer = await ProxyPeer.StartAsync(ground, kind, client, server, routes);
        return new PairsPeer(peer, [.. routes.Select(route => new LoadTarget(client.Network, route.A))], [server.Network], peer.MostConnections);
    }

    // Each server port is forwarded from the same port plus the peer's offset, so that peers do not meet.
    private List<ProxyHops> Routes(ProxyKind kind, PodPlan client, PodPlan server)
    {
        var keys = PeerKeys.Make(ground.Folder, 1)[0];
        return [.. ServerPorts.Select(port => new ProxyHops(
            new IPEndPoint(Ground.NodeAddress(client.Node), kind.PortOffset + port), new IPEndPoint(Ground.NodeAddress(server.Node), kind.PortOffset + port),
            new IPEndPoint(server.V4, port), keys))];
    }

    /// <summary>Those that are here, each with ports of its own.</summary>
    private IEnumerable<ProxyKind> Kinds() => new ProxyKind[]
    {
        new HaproxyKind("haproxy", 10_000, "haproxy", ground.Folder, http: false),
        new HaproxyKind("haproxy-http", 20_000, "haproxy", ground.Folder, http: true),
        new HaproxyKind("haproxy-other", 25_000, OtherPrograms.Haproxy ?? "", ground.Folder, http: false),
        new HaproxyKind("haproxy-other-http", 35_000, OtherPrograms.Haproxy ?? "", ground.Folder, http: true),
        new NginxKind(30_000, ground.Folder),
        new PlainKind(40_000),
    }.Where(kind => PeerNames.WhyAbsent(kind.Name) is null);
}
