using System.Diagnostics;
using Ambient.Bench.Rig.Accounting;

namespace Ambient.Bench.Controller;

/// <summary>
/// One measurement with a number of nodes: 1. a fresh controller takes in the cluster; 2. all nodes connect and get their first full view;
/// 3. it is killed, and another takes over; 4. single changes, each when the one before has been acked by all; 5. changes at each of some
/// rates.
/// </summary>
internal static class ControllerBench
{
    private const int SingleChanges = 5;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    /// <summary>The rate that figures are asked at, in changes a second.</summary>
    internal const int AskedRate = 50;

    internal static async Task<List<Figure>> MeasureAsync(ClusterSize size, int nodes, IReadOnlyList<int> rates, int seconds, TextWriter progress)
    {
        var state = Directory.CreateTempSubdirectory("ambient-bench-").FullName;
        ControllerUnderTest? controller = null;
        try
        {
            controller = await ControllerUnderTest.StartAsync(state, size);
            await using var fleet = new NodeFleet();
            var figures = new List<Figure>();
            void Note(string name, double value, string unit, double? atMost = null)
            {
                var figure = new Figure($"{name}-{nodes}", value, unit, atMost);
                figures.Add(figure);
                progress.WriteLine($"  {figure.Name}: {value:0.###} {unit}{(atMost is { } most ? $" (asked: at most {most:0.###})" : "")}");
            }

            Note("start", controller.StartSeconds, "s until the cluster of the source is served");
            Note("memory-at-start", controller.Memory, "B PSS");
            var (cpu, own, began) = (controller.Cpu, OwnCpu, Stopwatch.GetTimestamp());
            await fleet.ConnectAsync(nodes, controller.Port, ControllerProcess.TokensOf(state), Path.Combine(state, "bundle.pem"));
            Note("connect", Stopwatch.GetElapsedTime(began).TotalSeconds, "s until all nodes have said Hello");
            await fleet.UntilAsync(() => fleet.Counts.FullAcks >= nodes, Patience, "the first full view");
            Note("full-push", Stopwatch.GetElapsedTime(began).TotalSeconds, "s from the first connect until all nodes have acked a full view");
            Note("full-push-cpu", controller.Cpu - cpu, "s CPU of the controller");
            Note("full-push-bytes", (double)fleet.Counts.Bytes / nodes, "B to a node");
            await QuietAsync(fleet);
            var memory = controller.Memory;
            Note("memory", memory, "B PSS", atMost: 2L << 30);

            controller = await TakeOverAsync(controller, state, size, fleet, nodes, Note);
            fleet.Counts.LooksForMarks = true;
            await SingleAsync(controller, fleet, nodes, Note);
            foreach (var rate in rates)
            {
                var at = rate == AskedRate ? "" : $"-at-{rate}";
                await AtRateAsync(controller, fleet, nodes, rate, seconds, (name, value, unit, most) => Note(name + at, value, unit, rate == AskedRate ? most : null));
            }
            Note("memory-after", controller.Memory, "B PSS", atMost: 2L << 30);
            return figures;
        }
        finally
        {
            controller?.Dispose();
            Directory.Delete(state, recursive: true);
        }
    }

    // What a second replica would be: it has read the cluster and what the first wrote down. The generated source has not changed yet, so both say the same.
    private static async Task<ControllerUnderTest> TakeOverAsync(ControllerUnderTest first, string state, ClusterSize size, NodeFleet fleet, int nodes, Action<string, double, string, double?> note)
    {
        var second = await ControllerUnderTest.StartAsync(state, size);
        await fleet.LeaveAsync();
        var (bytes, welcomes, cpu, began) = (fleet.Counts.Bytes, fleet.Counts.Welcomes, second.Cpu, Stopwatch.GetTimestamp());
        first.Dispose();
        await fleet.ConnectAsync(nodes, second.Port, ControllerProcess.TokensOf(state), Path.Combine(state, "bundle.pem"));
        await fleet.UntilAsync(() => fleet.Counts.Welcomes >= welcomes + nodes, Patience, "the welcome of another controller");
        note("take-over", Stopwatch.GetElapsedTime(began).TotalSeconds, "s from a controller's death until another serves all its nodes", null);
        await QuietAsync(fleet);
        note("take-over-cpu", second.Cpu - cpu, "s CPU of the other controller", null);
        note("take-over-bytes", (double)(fleet.Counts.Bytes - bytes) / nodes, "B to a node, who holds all already", null);
        return second;
    }

    private static double OwnCpu => ProcessCpu.Seconds([Environment.ProcessId]);

    private static async Task SingleAsync(ControllerUnderTest controller, NodeFleet fleet, int nodes, Action<string, double, string, double?> note)
    {
        await OneAsync(controller, fleet, nodes);   // warms up
        var (bytes, cpu, latencies) = (new List<double>(), new List<double>(), new List<double>());
        for (var i = 0; i < SingleChanges; i++)
        {
            var (bytesBefore, cpuBefore) = (fleet.Counts.Bytes, controller.Cpu);
            fleet.Counts.Latencies.Clear();
            await OneAsync(controller, fleet, nodes);
            bytes.Add(fleet.Counts.Bytes - bytesBefore);
            cpu.Add(controller.Cpu - cpuBefore);
            latencies.Add(fleet.Counts.Latencies.Quantile(1));
        }
        note("change-bytes", Median(bytes), "B to all nodes for one change", null);
        note("change-cpu", Median(cpu), "s CPU of the controller for one change", null);
        note("change-cpu-per-node", Median(cpu) / nodes * 1e6, "us CPU of the controller for one change and node", null);
        note("change-all", Median(latencies), "s from one change until the last node acks it", null);
    }

    private static async Task OneAsync(ControllerUnderTest controller, NodeFleet fleet, int nodes)
    {
        var acks = fleet.Counts.Acks;
        await controller.TellAsync("one");
        await fleet.UntilAsync(() => fleet.Counts.Acks >= acks + nodes, Patience, "a change");
        await QuietAsync(fleet);
    }

    private static async Task AtRateAsync(ControllerUnderTest controller, NodeFleet fleet, int nodes, int rate, int seconds, Action<string, double, string, double?> note)
    {
        // What comes first meets an estimate of the pace that is still to be found, and code that is compiled as it has to last: with both cores
        // busy that takes an eighth of the controller's time for more than ten seconds.
        await controller.TellAsync($"rate {rate} {seconds * 3 / 2}");
        await QuietAsync(fleet);
        fleet.Counts.Latencies.Clear();
        var (cpu, own, acks, bytes, began) = (controller.Cpu, OwnCpu, fleet.Counts.Acks, fleet.Counts.Bytes, Stopwatch.GetTimestamp());
        await controller.TellAsync($"rate {rate} {seconds}");
        var ran = Stopwatch.GetElapsedTime(began).TotalSeconds;
        var (busy, busyOwn) = ((controller.Cpu - cpu) / ran, (OwnCpu - own) / ran);
        await QuietAsync(fleet);
        var told = fleet.Counts.Latencies.Count;
        note("p50", fleet.Counts.Latencies.Quantile(0.5), $"s from a change to a node's ack, at {rate} changes/s", null);
        note("p99", fleet.Counts.Latencies.Quantile(0.99), "s, the same", 1);
        note("slowest", fleet.Counts.Latencies.Quantile(1), "s, the same", null);
        note("told", (double)told / nodes / (rate * seconds), "of the changes told to each node (one that is overtaken by another of the same endpoint is not)", null);
        note("pushes", (double)(fleet.Counts.Acks - acks) / nodes / seconds, "deltas a second to a node", null);
        note("rate-bytes", (double)(fleet.Counts.Bytes - bytes) / nodes / seconds, "B/s to a node", null);
        note("rate-cpu", busy, "cores of the controller meanwhile", null);
        note("generator-cpu", busyOwn, "cores of the simulated nodes meanwhile", null);
    }

    // Nothing came for a while.
    private static async Task QuietAsync(NodeFleet fleet)
    {
        for (var (seen, since) = (fleet.Counts.Bytes, Stopwatch.GetTimestamp()); Stopwatch.GetElapsedTime(since) < TimeSpan.FromMilliseconds(700); await Task.Delay(20))
        {
            if (fleet.Counts.Bytes != seen)
                (seen, since) = (fleet.Counts.Bytes, Stopwatch.GetTimestamp());
        }
        await fleet.UntilAsync(() => true, Patience, "a rest");
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
