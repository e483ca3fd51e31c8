using System.Globalization;
using Ambient.Bench.Rig.Peers;
using Ambient.Bench.Rig.Reports;
using Ambient.Bench.Rig.Scenarios;
using Ambient.Cli.Lab;

namespace Ambient.Bench.Rig;

/// <summary>
/// Runs scenarios: us and the peers side by side on one ground, in rounds, each round in another order, so that what the machine does
/// meanwhile falls on all alike.
/// </summary>
internal sealed class RigRun(RigOptions options, TextWriter say)
{
    public async Task<IReadOnlyList<RoundBook>> RunAsync(IReadOnlyList<IScenario> scenarios)
    {
        var books = new List<RoundBook>();
        await using var ground = await Ground.MakeAsync();
        foreach (var group in scenarios.GroupBy(scenario => scenario.IsSameNode))
        {
            var peers = await StartPeersAsync(ground, group.Key);
            foreach (var scenario in group)
            {
                var book = await RunAsync(ground, scenario, [.. peers.Where(peer => scenario.Fits(peer.Name))]);
                ResultTable.Write(book);
                books.Add(book);
            }
            foreach (var peer in peers) await peer.DisposeAsync();
        }
        return books;
    }

    private async Task<IReadOnlyList<IPeer>> StartPeersAsync(Ground ground, bool sameNode)
    {
        var keys = PeerKeys.Make(ground.Folder);
        var kinds = new List<ProxyKind>();
        if (IsInstalled("haproxy"))
        {
            kinds.Add(new HaproxyKind("haproxy", 10_000, "haproxy", ground.Folder, keys, http: false));
            kinds.Add(new HaproxyKind("haproxy-http", 20_000, "haproxy", ground.Folder, keys, http: true));
        }
        if (Environment.GetEnvironmentVariable("AMBIENT_BENCH_HAPROXY") is { Length: > 0 } other)
            kinds.Add(new HaproxyKind("haproxy-other", 25_000, other, ground.Folder, keys, http: false));
        if (IsInstalled("nginx") && NginxKind.IsInstalled) kinds.Add(new NginxKind(30_000, ground.Folder, keys));
        kinds.Add(new PlainKind(40_000, keys));
        var peers = new List<IPeer> { new AmbientPeer(ground, sameNode), new DirectPeer(ground, sameNode) };
        peers.RemoveAll(peer => !TakesPart(peer.Name));
        foreach (var kind in kinds.Where(kind => TakesPart(kind.Name))) peers.Add(await ProxyPeer.StartAsync(ground, kind, sameNode));
        return peers;
    }

    private async Task<RoundBook> RunAsync(Ground ground, IScenario scenario, IReadOnlyList<IPeer> peers)
    {
        var began = TimeProvider.System.GetUtcNow().ToString("O", CultureInfo.InvariantCulture);
        var book = new RoundBook(scenario);
        var servers = new List<LabProcess>();
        foreach (var network in peers.Select(peer => peer.ServerNetwork).Distinct()) servers.Add(await scenario.ServeAsync(ground, network));
        foreach (var peer in peers) await scenario.MeasureAsync(ground, peer, TimeSpan.FromSeconds(1)); // warms up: compilers, pools, sessions
        for (int round = 0; round < options.Rounds; round++)
        {
            for (int i = 0; i < peers.Count; i++)
            {
                var peer = peers[(i + round) % peers.Count];
                await say.WriteLineAsync($"{scenario.Name}, round {round + 1} of {options.Rounds}: {peer.Name}");
                book.Add(peer.Name, await scenario.MeasureAsync(ground, peer, options.Time));
            }
        }
        foreach (var server in servers) await server.TerminateAsync();
        ResultFile.Write(options.Results, book, peers, began, options.Rounds, options.Time);
        Plot.Write(options.Results, book);
        return book;
    }

    private bool TakesPart(string peer) => options.Peers.Count == 0 || options.Peers.Contains(peer);

    private static bool IsInstalled(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries).Any(folder => File.Exists(Path.Combine(folder, program)));
}
