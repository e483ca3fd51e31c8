using System.Globalization;
using System.Text.Json;
using Ambient.Cli.App;
using Ambient.Cli.Lab;

namespace Ambient.Cli.Demo;

/// <summary>One of the demo's flows: its client process inside a pod, and what that has told so far.</summary>
/// <param name="plan">Who calls whom.</param>
/// <param name="seed">Names the bytes that it sends, so that they are found in a packet capture.</param>
internal sealed class Flow(FlowPlan plan, ulong seed, LabLog log)
{
    private LabProcess? _process;
    private LoadTally _tally = LoadTally.Nothing;
    private int _lines;

    /// <summary>Who calls whom.</summary>
    public FlowPlan Plan => plan;

    /// <summary>What stands in the payload.</summary>
    public string Marker { get; } = new Pattern(seed).Marker;

    /// <summary>What the client has told last.</summary>
    public LoadTally Tally => Volatile.Read(ref _tally);

    /// <summary>How often it has told.</summary>
    public int Lines => Volatile.Read(ref _lines);

    /// <summary>What the same client saw without the mesh.</summary>
    public LoadTally Direct { get; private set; } = LoadTally.Nothing;

    /// <summary>Measures the flow over the pods' plain addresses. To be called before the pods join the mesh.</summary>
    public async Task MeasureDirectAsync(TimeSpan time)
    {
        await LoadClientProcess(DemoPlan.DirectTargets(plan), time).Ended;
        Direct = Tally;
        _tally = LoadTally.Nothing;
        if (Direct.Ok == 0) throw new LabException($"Without the mesh {plan.FromName} does not reach {plan.ToName} either: {Direct.LastFailure}\n{log.Tail()}");
    }

    /// <summary>Starts to call through the mesh.</summary>
    public void Start() => _process = LoadClientProcess(DemoPlan.MeshTargets(plan), TimeSpan.Zero);

    /// <summary>Ends it; its last line has come then.</summary>
    public Task StopAsync() => _process?.TerminateAsync() ?? Task.CompletedTask;

    private LabProcess LoadClientProcess(IEnumerable<System.Net.IPEndPoint> targets, TimeSpan time) => LabProcess.Start(
        $"client {plan.FromName} {plan.ToName}",
        Command.Of(Programs.Cli, "app", "load", "--to", string.Join(',', targets), "--rate", Text(plan.Rate), "--seed", seed.ToString("x", CultureInfo.InvariantCulture),
            "--seconds", Text(time.TotalSeconds)).Inside(plan.Network), log, Read);

    private static string Text(double number) => number.ToString(CultureInfo.InvariantCulture);

    private void Read(string line)
    {
        if (JsonSerializer.Deserialize(line, LoadJson.Default.LoadTally) is not { } tally) return;
        Volatile.Write(ref _tally, tally);
        Interlocked.Increment(ref _lines);
    }
}
