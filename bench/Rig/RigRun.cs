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
        foreach (var group in scenarios.GroupBy(scenario => scenario.Stage))
        {
            await using var ground = await Ground.MakeAsync(StagePlan.Of(group.Key, options, OtherPrograms.NodeProxy));
            var peers = await new PeerSet(ground, group.Key, TakesPart).StartAsync();
            foreach (var scenario in group)
            {
                var book = await RunAsync(ground, scenario, scenario.PeersFrom(peers));
                ResultTable.Write(book);
                books.Add(book);
            }
            foreach (var peer in peers) await peer.DisposeAsync();
        }
        return books;
    }

    private async Task<RoundBook> RunAsync(Ground ground, IScenario scenario, IReadOnlyList<IPeer> peers)
    {
        var began = TimeProvider.System.GetUtcNow().ToString("O", CultureInfo.InvariantCulture);
        var book = new RoundBook(scenario);
        var servers = new List<LabProcess>();
        foreach (var peer in peers.DistinctBy(peer => peer.ServerNetwork)) servers.AddRange(await scenario.ServeAsync(ground, peer));
        if (scenario.WarmsUp)
        {
            foreach (var peer in peers) await scenario.MeasureAsync(ground, peer, options.WarmUp);
        }
        for (int round = 0; round < options.Rounds; round++)
        {
            for (int i = 0; i < peers.Count; i++)
            {
                var peer = peers[(i + round) % peers.Count];
                await say.WriteLineAsync($"{scenario.Name}, round {round + 1} of {options.Rounds}: {peer.Name}");
                book.Add(peer.Name, await scenario.MeasureAsync(ground, peer, options.Time));
            }
        }
        var loads = await scenario.CheckLoadAsync(ground, peers, options.Time);
        if (loads is not null) await say.WriteLineAsync($"{scenario.Name}, loads agree: {loads}");
        foreach (var server in servers) await server.TerminateAsync();
        ResultFile.Write(options.Results, book, peers, loads, began, options.Rounds, options.Time);
        Plot.Write(options.Results, book);
        return book;
    }

    private bool TakesPart(string peer) => options.Peers.Count == 0 || options.Peers.Contains(peer);
}
