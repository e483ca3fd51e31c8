using System.CommandLine;
using Ambient.Bench.Rig.Peers;
using Ambient.Bench.Rig.Reports;
using Ambient.Bench.Rig.Scenarios;
using Ambient.Cli.Lab;

namespace Ambient.Bench.Rig;

/// <summary>The command line of the rig: <c>./ambient.sh bench [SCENARIO...]</c>.</summary>
internal static class RigCommand
{
    private const int BadUsage = 2, FewestCores = 2;

    public static RootCommand Make()
    {
        var names = new Argument<string[]>("scenario") { Description = "Of requests, fixed-rate, bulk, redis, pgbench, churn, connects, idle, same-node, many, start, dense; all without one", Arity = ArgumentArity.ZeroOrMore };
        var quick = new Option<bool>("--quick") { Description = "One short round of each: shows that it works, measures nothing" };
        var seed = new Option<int?>("--seed") { Description = "Draws the same order of peers again" };
        var rounds = new Option<int>("--rounds") { Description = "Rounds over all peers", DefaultValueFactory = _ => 5 };
        var seconds = new Option<int>("--seconds") { Description = "How long each load runs", DefaultValueFactory = _ => 3 };
        var results = new Option<string?>("--results") { Description = "Folder for JSON and SVG; bench/results without one, and bench/results/quick with --quick" };
        var peers = new Option<string[]>("--peers") { Description = $"Only these, separated by spaces: {string.Join(' ', PeerNames.All)}. Those with other programs need AMBIENT_BENCH_NODE, AMBIENT_BENCH_HAPROXY, AMBIENT_BENCH_ZTUNNEL to name them", AllowMultipleArgumentsPerToken = true };
        var root = new RootCommand("Compares Ambient with what a user could pick instead, in one run on this machine.\n"
            + "Exit status: 0 every figure reaches what is asked, 1 some do not, 2 wrong usage, something is missing, or a scenario failed. With --quick: 0 if it ran.")
        {
            names, quick, rounds, seconds, seed, results, peers,
        };
        root.SetAction(async parsed =>
        {
            bool isQuick = parsed.GetValue(quick);
            var (folder, only) = (parsed.GetValue(results) ?? ResultsOf(isQuick), parsed.GetValue(peers) ?? []);
            var options = isQuick ? RigOptions.Quick(folder, only) : new RigOptions(parsed.GetValue(rounds), TimeSpan.FromSeconds(parsed.GetValue(seconds)), folder, only);
            if (parsed.GetValue(seed) is { } asked) options = options with { Seed = asked };
            return await RunAsync(parsed.GetValue(names)!, options);
        });
        return root;
    }

    private static async Task<int> RunAsync(string[] names, RigOptions options)
    {
        // Those after which processes are fresh and cold come behind those that want them warm.
        IScenario[] all =
        [
            new Requests(), new FixedRate(), new Bulk(), new Redis(), new Pgbench(), new Churn(), new Connects(), new Idle(options.IdleConnections), new SameNode(),
            new Many(options.Pairs), new Start(options.RestingPods), new Dense(options.DenseConnections, options.IsQuick),
        ];
        if (names.FirstOrDefault(name => all.All(scenario => scenario.Name != name)) is { } unknown)
        {
            await Console.Error.WriteLineAsync($"bench: there is no scenario {unknown}. There are: {string.Join(", ", all.Select(scenario => scenario.Name))}, and micro.");
            return BadUsage;
        }
        if (options.Peers.FirstOrDefault(peer => !PeerNames.All.Contains(peer)) is { } stranger)
        {
            await Console.Error.WriteLineAsync($"bench: there is no peer {stranger}. There are: {string.Join(", ", PeerNames.All)}.");
            return BadUsage;
        }
        if (options.Peers.FirstOrDefault(peer => PeerNames.WhyAbsent(peer) is not null) is { } asksInVain)
        {
            await Console.Error.WriteLineAsync($"bench: {asksInVain} cannot take part: {PeerNames.WhyAbsent(asksInVain)}.");
            return BadUsage;
        }
        if (Environment.GetEnvironmentVariable("AMBIENT_ISOLATED") != "1")
        {
            await Console.Error.WriteLineAsync("bench: it lives in network namespaces of its own, which ./ambient.sh bench makes. Start that.");
            return BadUsage;
        }
        if (OtherPrograms.Missing is { } missing)
        {
            await Console.Error.WriteLineAsync($"bench: {missing}: there is no such file.");
            return BadUsage;
        }
        var asked = all.Where(scenario => names.Length == 0 || names.Contains(scenario.Name)).ToList();
        var impossible = asked.Where(scenario => WhyNot(scenario) is not null).ToList();
        foreach (var scenario in impossible) await Console.Error.WriteLineAsync($"bench: {scenario.Name} cannot run here: {WhyNot(scenario)}.");
        foreach (var absent in PeerNames.All.Where(peer => options.TakesPart(peer) && PeerNames.WhyAbsent(peer) is not null))
            await Console.Error.WriteLineAsync($"bench: {absent} takes no part: {PeerNames.WhyAbsent(absent)}.");
        var report = await new RigRun(options, Console.Error).RunAsync([.. asked.Except(impossible)]);
        foreach (var book in report.Books) ResultTable.WriteRatios(Console.Out, book);
        foreach (var failure in report.Failures) await Console.Error.WriteLineAsync($"bench: {failure.What} failed, and its figures are not whole: {failure.Reason.Split('\n')[0]}");
        if (impossible.Count + report.Failures.Count > 0) return BadUsage;
        if (options.IsQuick) return 0;
        // Load, server and proxy in turn on one core show the scheduler, and no figure was asked for that.
        var unjudged = Environment.ProcessorCount < FewestCores
            ? [$"nothing is judged on {Environment.ProcessorCount} core: what is asked is for {FewestCores} and more"]
            : report.Books.SelectMany(book => book.Unjudged(peer => !options.TakesPart(peer))).ToList();
        foreach (var reason in unjudged) await Console.Error.WriteLineAsync($"bench: {reason}.");
        return unjudged.Count > 0 ? BadUsage : report.Books.All(book => book.ReachesAll) ? 0 : 1;
    }

    // What a quick run writes is not to stand where a measurement stood.
    private static string ResultsOf(bool isQuick) => Path.Combine([Programs.Checkout ?? ".", "bench", "results", .. isQuick ? new[] { "quick" } : []]);

    private static string? WhyNot(IScenario scenario) =>
        scenario.Programs.FirstOrDefault(program => !ProgramSearch.IsInstalled(program)) is { } missing ? $"the program {missing} is not installed" : scenario.WhyNot;
}
