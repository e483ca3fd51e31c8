using System.Collections.Immutable;
using System.Diagnostics;
using System.Net.Sockets;
using System.Security.Cryptography;
using Ambient.Cli.App;
using Ambient.Cli.Lab;

namespace Ambient.Cli.Demo;

/// <summary>The demo from its first process to its report, without any display.</summary>
internal sealed class DemoRun : IAsyncDisposable
{
    private static readonly TimeSpan DirectTime = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan ServerPatience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan RateWindow = TimeSpan.FromSeconds(3);

    private readonly Lab.Lab _lab;
    private readonly ImmutableArray<Flow> _flows;
    private readonly Incidents _incidents;
    private readonly List<Incident> _happened = [];
    private readonly Queue<(long Moment, ImmutableArray<LoadTally> Tallies)> _past = new();
    private MetricsPage _metrics = new([]);
    private long _trafficBegan;

    private DemoRun(Lab.Lab lab)
    {
        _lab = lab;
        _flows = [.. DemoPlan.Flows(lab.Network.HasIpv6).Select(plan => new Flow(plan, BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8)), lab.Log))];
        _incidents = new Incidents(lab, _flows);
    }

    /// <summary>From the start of the first process to traffic in the mesh.</summary>
    public TimeSpan Ready { get; private set; }

    /// <summary>The lab, for commands inside of pods.</summary>
    public LabPlan Plan => _lab.Plan;

    /// <summary>Brings up network, processes and apps, measures the flows without the mesh, takes all pods in, and starts the traffic.</summary>
    /// <param name="say">Takes a line about each step.</param>
    /// <exception cref="LabException">Something did not come up; the message has what the processes said.</exception>
    public static async Task<DemoRun> StartAsync(Action<string> say)
    {
        var began = Stopwatch.GetTimestamp();
        say("Starting 2 nodes with 3 pods each: namespaces, controller, redirectors, proxies.");
        var run = new DemoRun(await Lab.Lab.StartAsync(DemoPlan.Lab));
        try
        {
            foreach (var node in run._lab.Nodes) node.NodeProxy.ComesBack = node.Redirector.ComesBack = true;
            await run.StartServersAsync();
            say("Measuring the same calls without the mesh, over the pods' own addresses.");
            await Task.WhenAll(run._flows.Select(flow => flow.MeasureDirectAsync(DirectTime)));
            say("Labelling the namespaces: ambient.mesh/enroll: \"true\".");
            await run._lab.EnrolAsync([.. run.Plan.Namespaces]);
            foreach (var flow in run._flows) flow.Start();
            run._trafficBegan = Stopwatch.GetTimestamp();
            run.Ready = Stopwatch.GetElapsedTime(began);
            return run;
        }
        catch
        {
            await run.DisposeAsync();
            throw;
        }
    }

    /// <summary>The table as it is now; the proxies are asked anew.</summary>
    public async Task<ImmutableArray<FlowRow>> RowsAsync()
    {
        try
        {
            _metrics = await _lab.MetricsAsync();
        }
        catch (Exception fault) when (fault is HttpRequestException or OperationCanceledException)
        {
            // A proxy that is just being started again: the last answer stays on display.
        }
        var now = Stopwatch.GetTimestamp();
        var tallies = _flows.Select(flow => flow.Tally).ToImmutableArray();
        _past.Enqueue((now, tallies));
        while (_past.Count > 2 && Stopwatch.GetElapsedTime(_past.Peek().Moment, now) > RateWindow) _past.Dequeue();
        var then = _past.Peek().Tallies;
        return [.. _flows.Select((flow, i) => Row(flow, then[i]))];
    }

    /// <summary>Does what a key stands for: k, f or c.</summary>
    public async Task<Incident> PressAsync(char key)
    {
        var incident = key switch
        {
            'k' => await _incidents.KillProxyAsync(),
            'f' => await _incidents.FlushRulesAsync(),
            'c' => await _incidents.CaptureAsync(),
            _ => throw new ArgumentOutOfRangeException(nameof(key), key, "There are k, f and c."),
        };
        _happened.Add(incident);
        return incident;
    }

    /// <summary>Ends the traffic, asks the proxies a last time, and judges.</summary>
    public async Task<DemoReport> EndAsync()
    {
        var seconds = Stopwatch.GetElapsedTime(_trafficBegan).TotalSeconds;
        await Task.WhenAll(_flows.Select(flow => flow.StopAsync()));
        _metrics = await _lab.MetricsAsync();
        var rows = _flows.Select(flow => Row(flow, LoadTally.Nothing)).ToList();
        var cut = _happened.Sum(incident => incident.Cut);
        var problems = rows.Select(row => row.Problem(cut, _happened.Any(incident => incident.KilledProxy)))
            .Concat(_happened.Select(incident => incident.Problem)).OfType<string>().ToImmutableArray();
        return new DemoReport(problems.IsEmpty, problems, seconds, Ready.TotalSeconds, Plan.Nodes, Plan.Pods.Length, _lab.Network.HasIpv6,
            [.. rows.Select(Report)], [.. _happened.Select(incident => $"{incident.Key}  {incident.Text}")]);
    }

    /// <summary>What the processes said, for a failure.</summary>
    public string Said => _lab.Log.Tail();

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _lab.DisposeAsync();

    private static FlowReport Report(FlowRow row) => new(
        row.Plan.FromName, row.Plan.ToName, row.Plan.Family == AddressFamily.InterNetwork ? "ipv4" : "ipv6", row.Plan.From is not null,
        DemoPlan.IsCrossNode(row.Plan), row.Ways, row.Tally.Ok, row.Tally.Refused, row.Tally.Reset, row.Tally.TimedOut, row.Tally.Corrupt, row.Tally.Other,
        Math.Round(row.ConnectionsPerSecond, 1), Math.Round(row.BytesPerSecond), row.Tally.P50, row.Tally.P99, row.Direct.P50, row.Direct.P99);

    private FlowRow Row(Flow flow, LoadTally then)
    {
        var now = flow.Tally;
        var seconds = Math.Max(0.001, now.Seconds - then.Seconds);
        return new FlowRow(flow.Plan, FlowRow.WaysOf(flow.Plan, _metrics), now, flow.Direct, (now.Ok - then.Ok) / seconds, (now.Bytes - then.Bytes) / seconds);
    }

    private async Task StartServersAsync()
    {
        var pods = _flows.SelectMany(flow => DemoPlan.Behind(flow.Plan.To)).Distinct().ToList();
        foreach (var pod in pods)
        {
            LabProcess.Start($"server {pod.Name}", Command.Of(Programs.Cli, "app", "serve", "--port", $"{DemoPlan.ServerPort}").Inside(pod.Network), _lab.Log);
        }
        await _lab.UntilAsync("the apps serve", ServerPatience, () => Task.FromResult(
            pods.Where(pod => !_lab.Log.Of($"server {pod.Name}").Contains("serving")).Select(pod => $"{pod.Name} does not yet").FirstOrDefault()));
    }
}
