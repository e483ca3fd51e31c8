using Ambient.Cli.Lab;

namespace Ambient.Bench.Rig.Peers;

/// <summary>All who take part on a stage.</summary>
internal static class PeerSet
{
    /// <summary>Starts them.</summary>
    /// <param name="takesPart">Whether a peer of that name is wanted.</param>
    public static async Task<IReadOnlyList<IPeer>> StartAsync(Ground ground, Stage stage, Func<string, bool> takesPart)
    {
        bool isOneNode = stage == Stage.OneNode;
        var (client, server) = (ground.Pod("client-13"), ground.Pod(isOneNode ? "beside-14" : "server-22"));
        var peers = new List<IPeer> { new AmbientPeer(ground, "ambient", ground.Pod("web-11"), ground.Pod(isOneNode ? "near-12" : "api-21")) };
        if (Ground.OtherNodeProxy is not null) peers.Add(new AmbientPeer(ground, "ambient-other", ground.Pod("web-31"), ground.Pod(isOneNode ? "near-32" : "api-41")));
        peers.Add(new DirectPeer(client, server));
        peers.RemoveAll(peer => !takesPart(peer.Name));
        foreach (var kind in Kinds(ground.Folder).Where(kind => takesPart(kind.Name))) peers.Add(await ProxyPeer.StartAsync(ground, kind, client, server));
        return peers;
    }

    /// <summary>Those that are installed here, each with ports of its own.</summary>
    private static IEnumerable<ProxyKind> Kinds(string folder)
    {
        var keys = PeerKeys.Make(folder);
        if (ProgramSearch.IsInstalled("haproxy"))
        {
            yield return new HaproxyKind("haproxy", 10_000, "haproxy", folder, keys, http: false);
            yield return new HaproxyKind("haproxy-http", 20_000, "haproxy", folder, keys, http: true);
        }
        if (Environment.GetEnvironmentVariable("AMBIENT_BENCH_HAPROXY") is { Length: > 0 } other)
        {
            yield return new HaproxyKind("haproxy-other", 25_000, other, folder, keys, http: false);
            yield return new HaproxyKind("haproxy-other-http", 35_000, other, folder, keys, http: true);
        }
        if (ProgramSearch.IsInstalled("nginx") && NginxKind.IsInstalled) yield return new NginxKind(30_000, folder, keys);
        yield return new PlainKind(40_000, keys);
    }
}
