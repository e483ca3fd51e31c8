using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Ambient.Bench.Rig.Peers;
using Ambient.Bench.Rig.Reports;
using Ambient.Bench.Rig.Scenarios;
using Ambient.Cli.Lab;

namespace Ambient.Bench.Rig;

/// <summary>
/// Runs scenarios: us and the peers side by side on one ground, in rounds, each round in an order drawn anew, so that what the machine does
/// meanwhile falls on all alike. One that fails is named and takes none with it: those after it get a fresh ground.
/// </summary>
internal sealed class RigRun(RigOptions options, TextWriter say)
{
    private readonly Random _order = new(options.Seed);
    private readonly List<RoundBook> _books = [];
    private readonly List<ScenarioFailure> _failures = [];
    private JsonObject _versions = [];

    public async Task<RunReport> RunAsync(IReadOnlyList<IScenario> scenarios)
    {
        await say.WriteLineAsync($"bench: the order of peers is drawn with seed {options.Seed}");
        _versions = await ToolVersions.ReadAsync();
        foreach (var group in scenarios.GroupBy(scenario => scenario.Stage))
        {
            var left = new Queue<IScenario>(group);
            while (left.Count > 0) await RunStageAsync(group.Key, left);
        }
        return new RunReport(_books, _failures);
    }

    // Takes scenarios until one fails: what that has left of the peers is nothing to measure on.
    private async Task RunStageAsync(Stage stage, Queue<IScenario> left)
    {
        var peers = new List<IPeer>();
        try
        {
            await say.WriteLineAsync($"bench: making the ground for {string.Join(", ", left.Select(scenario => scenario.Name))}");
            await using var ground = await Ground.MakeAsync(StagePlan.Of(stage, options, OtherPrograms.NodeProxy));
            await say.WriteLineAsync($"bench: congestion control is {ground.CongestionControl} for all");
            try
            {
                await new PeerSet(ground, stage, options.TakesPart).StartAsync(peers);
                while (left.TryPeek(out var scenario))
                {
                    await RunAsync(ground, scenario, scenario.PeersFrom(peers));
                    left.Dequeue();
                }
            }
            finally
            {
                foreach (var peer in peers) await peer.DisposeAsync();
            }
        }
        catch (Exception fault) // whatever it is, it is said, and the run does not succeed
        {
            await FailAsync(left.Count > 0 ? left.Dequeue().Name : $"clearing away after {stage}", fault);
        }
    }

    private async Task FailAsync(string what, Exception fault)
    {
        // What the rig itself says is enough; anything else is a fault of the rig's, and needs to be found.
        var reason = fault is LabException ? fault.Message : fault.ToString();
        await say.WriteLineAsync($"bench: {what} failed: {reason}");
        _failures.Add(new ScenarioFailure(what, reason));
    }

    private async Task RunAsync(Ground ground, IScenario scenario, IReadOnlyList<IPeer> peers)
    {
        var began = TimeProvider.System.GetUtcNow().ToString("O", CultureInfo.InvariantCulture);
        var book = new RoundBook(scenario);
        var servers = new List<LabProcess>();
        string? loads = null;
        try
        {
            foreach (var peer in peers.DistinctBy(peer => peer.ServerNetwork)) servers.AddRange(await scenario.ServeAsync(ground, peer));
            if (scenario.WarmsUp)
            {
                foreach (var peer in peers) await StepAsync($"{scenario.Name}, warming up: {peer.Name}", () => scenario.MeasureAsync(ground, peer, options.WarmUp));
            }
            for (int round = 0; round < options.Rounds; round++)
            {
                var order = peers.ToArray();
                _order.Shuffle(order);
                foreach (var peer in order)
                    book.Add(peer.Name, await StepAsync($"{scenario.Name}, round {round + 1} of {options.Rounds}: {peer.Name}", () => scenario.MeasureAsync(ground, peer, options.Time)));
            }
            // What was measured is kept, also when the loads turn out not to agree: then it says so.
            Write(null);
            loads = await scenario.CheckLoadAsync(ground, peers, options);
            if (loads is not null) await say.WriteLineAsync($"{scenario.Name}, loads: {loads}");
        }
        finally
        {
            if (book.Peers.Count > 0)
            {
                _books.Add(book);
                ResultTable.Write(book);
            }
            foreach (var server in servers) await server.TerminateAsync();
        }
        Write(loads);

        void Write(string? agreement)
        {
            ResultFile.Write(options, book, ground, peers, _versions, agreement, began);
            Plot.Write(options.Results, book);
        }
    }

    private async Task<IReadOnlyDictionary<string, double>> StepAsync(string step, Func<Task<IReadOnlyDictionary<string, double>>> measure)
    {
        await say.WriteAsync(step);
        await say.FlushAsync();
        long began = Stopwatch.GetTimestamp();
        try
        {
            return await measure();
        }
        finally
        {
            await say.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $" ({Stopwatch.GetElapsedTime(began).TotalSeconds:0.0} s)"));
        }
    }
}
