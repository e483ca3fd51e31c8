using System.Diagnostics;
using System.Globalization;
using Ambient.Cli.Lab;

namespace Ambient.Cli.Demo;

/// <summary>What a key of the demo did, and what came of it.</summary>
/// <param name="Key">The key.</param>
/// <param name="Text">The line for people.</param>
/// <param name="Cut">Connections under way that it cut, which is stated and therefore not a fault.</param>
/// <param name="KilledProxy">Whether counters of a proxy started anew.</param>
/// <param name="Problem">What should not have come of it; null if all is well.</param>
internal sealed record Incident(char Key, string Text, long Cut, bool KilledProxy, string? Problem);

/// <summary>Breaks the demo's mesh in ways that it has to stand, and measures what its clients and its wires have seen of that.</summary>
internal sealed class Incidents(Lab.Lab lab, IReadOnlyList<Flow> flows)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan CaptureTime = TimeSpan.FromSeconds(2);

    private int _kills;

    /// <summary>kill -9 of one node's NodeProxy, each node's in turn. It is started again at once, as a service manager does.</summary>
    public async Task<Incident> KillProxyAsync()
    {
        var node = lab.Nodes[_kills++ % lab.Nodes.Length];
        var before = Totals();
        var began = Stopwatch.GetTimestamp();
        await node.NodeProxy.KillAsync();
        await node.WaitUntilReadyAsync(Patience);
        var back = Stopwatch.GetElapsedTime(began);
        await SettleAsync();
        var (refused, cut) = Since(before);
        return new Incident('k', Line($"proxy of {node.Name} killed.  refused: {refused}   reset: {cut}   back in {back.TotalSeconds:0.0} s"), cut, true,
            refused > 0 ? Line($"{refused} connections were refused while the proxy of {node.Name} was away") : null);
    }

    /// <summary>Flushes all nft rules inside a pod, as another tool might by mistake.</summary>
    public async Task<Incident> FlushRulesAsync()
    {
        var pod = lab.Plan.Pod("api-21");
        var before = Totals();
        await using var wire = await WireAsync();
        await Tool.MustAsync(Command.Of("nft", "flush", "ruleset").Inside(pod.Network));
        var mended = await lab.UntilAsync($"the rules in {pod.Name} are mended", Patience, async () =>
            (await Tool.MustAsync(Command.Of("nft", "list", "ruleset").Inside(pod.Network))).Contains("redirect", StringComparison.Ordinal) ? null : "there are no rules");
        await SettleAsync();
        var (refused, cut) = Since(before);
        var clear = (await wire.StopAsync()).Enrolled;
        return new Incident('f',
            Line($"rules flushed in {pod.Workload}.  mended in {mended.TotalMilliseconds:0} ms   refused: {refused}   reset: {cut}   bytes in the clear: {clear.BytesFound}"), cut, false,
            refused > 0 ? Line($"{refused} connections were refused while the rules were away") : ClearProblem(clear));
    }

    /// <summary>Captures everything between the two nodes for a while and searches it for the payload.</summary>
    public async Task<Incident> CaptureAsync()
    {
        await using var wire = await WireAsync();
        await Task.Delay(CaptureTime);
        var (enrolled, outside) = await wire.StopAsync();
        return new Incident('c',
            Line($"{enrolled.Packets:#,0} packets, {DemoTable.Bytes(enrolled.Bytes)} between the nodes.  with payload of enrolled pods: {enrolled.PacketsFound}   of outside: {outside.PacketsFound} (it is plaintext)"),
            0, false, ClearProblem(enrolled));
    }

    private static string Line(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private static string? ClearProblem(CaptureFindings enrolled) =>
        enrolled.PacketsFound > 0 ? Line($"{enrolled.PacketsFound} packets between the nodes had payload of enrolled pods in the clear") : null;

    private (long Refused, long Failed) Totals() => (flows.Sum(flow => flow.Tally.Refused), flows.Sum(flow => flow.Tally.Failed));

    private (long Refused, long Cut) Since((long Refused, long Failed) before)
    {
        var now = Totals();
        var refused = now.Refused - before.Refused;
        return (refused, now.Failed - before.Failed - refused);
    }

    // Two lines of every client after the event: the first may have been under way.
    private async Task SettleAsync()
    {
        var lines = flows.Select(flow => flow.Lines + 2).ToList();
        await lab.UntilAsync("all clients have told what they saw", Patience, () =>
            Task.FromResult(flows.Where((flow, i) => flow.Lines < lines[i]).Select(flow => $"{flow.Plan.FromName} is silent").FirstOrDefault()));
    }

    private async Task<Wire> WireAsync() => new(await PacketCapture.StartAsync(Topology.NodeNetwork(1), Topology.WireTo(2)), flows);

    // A capture between the nodes, searched for what enrolled pods say and for what the host outside says.
    private sealed class Wire(PacketCapture capture, IReadOnlyList<Flow> flows) : IAsyncDisposable
    {
        private bool _isStopped;

        public async Task<(CaptureFindings Enrolled, CaptureFindings Outside)> StopAsync()
        {
            _isStopped = true;
            var found = await capture.StopAsync([.. flows.Select(flow => flow.Marker)]);
            return (Sum(found.Where((_, i) => flows[i].Plan.From is not null)), Sum(found.Where((_, i) => flows[i].Plan.From is null)));
        }

        public async ValueTask DisposeAsync()
        {
            if (!_isStopped) await StopAsync();
        }

        private static CaptureFindings Sum(IEnumerable<CaptureFindings> all) =>
            all.Aggregate((a, b) => new CaptureFindings(a.Packets, a.Bytes, a.PacketsFound + b.PacketsFound, a.BytesFound + b.BytesFound));
    }
}
