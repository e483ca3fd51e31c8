using System.CommandLine;
using System.Globalization;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Serialization;
using Ambient.Bench.Rig.Accounting;
using Ambient.Bench.Rig.Peers;
using Ambient.Cli.Lab;

namespace Ambient.Bench.Rig.Loads;

/// <summary>The open loop as a process of its own; it opens its connections inside the pods' namespaces.</summary>
internal static class OpenLoopCommand
{
    private const string Measuring = "measuring";

    public static System.CommandLine.Command Make()
    {
        var to = new Option<string[]>("--to") { Description = "NETWORK=ADDRESS:PORT", Required = true, AllowMultipleArgumentsPerToken = true };
        var connections = new Option<int>("--connections") { Description = "to each", DefaultValueFactory = _ => 64 };
        var rate = new Option<double>("--rate") { DefaultValueFactory = _ => 4000 };
        var seconds = new Option<double>("--seconds") { DefaultValueFactory = _ => 3 };
        var command = new System.CommandLine.Command("open-loop", "Requests at a fixed rate; the result in JSON.") { to, connections, rate, seconds };
        command.SetAction(parsed =>
        {
            var sockets = new List<Socket>();
            LoadTarget.InEach(parsed.GetValue(to)!.Select(LoadTarget.Parse), target =>
            {
                for (int i = 0; i < parsed.GetValue(connections); i++) sockets.Add(target.Connect());
            });
            using var loop = new OpenLoop(sockets);
            // First over each connection, so that what is measured is neither handshakes nor this program's compiler.
            double warmUp = Math.Max(0.5, 2.0 * sockets.Count / parsed.GetValue(rate));
            loop.Run(parsed.GetValue(rate), TimeSpan.FromSeconds(warmUp));
            Console.WriteLine(Measuring);
            var result = loop.Run(parsed.GetValue(rate), TimeSpan.FromSeconds(parsed.GetValue(seconds)));
            Console.WriteLine(JsonSerializer.Serialize(result, OpenLoopJson.Default.OpenLoopResult));
        });
        return command;
    }

    /// <summary>Runs it over one peer.</summary>
    /// <param name="connections">To each target.</param>
    /// <exception cref="LabException">A request failed or was never answered: a figure of failures is none.</exception>
    public static async Task<OpenLoopRun> RunAsync(Cli.Lab.Lab lab, IPeer peer, IReadOnlyList<LoadTarget> targets, int connections, double rate, TimeSpan time)
    {
        var command = Cli.Lab.Command.Of(Path.Combine(AppContext.BaseDirectory, "Ambient.Bench.Rig"), ["open-loop", "--to", .. targets.Select(target => target.ToString()),
            "--connections", $"{connections}", "--rate", rate.ToString(CultureInfo.InvariantCulture), "--seconds", time.TotalSeconds.ToString(CultureInfo.InvariantCulture)]);
        double before = 0, after = 0, memory = 0, allBefore = 0, allAfter = 0;
        OpenLoopResult? result = null;
        var name = $"open loop over {peer.Name}";
        var process = LabProcess.Start(name, command, lab.Log, line =>
        {
            if (line == Measuring) (memory, before, allBefore) = (ProcessMemory.Bytes(peer.Processes), ProcessCpu.Seconds(peer.CpuProcesses), MachineCpu.Seconds());
            else (after, allAfter, result) = (ProcessCpu.Seconds(peer.CpuProcesses), MachineCpu.Seconds(), JsonSerializer.Deserialize(line, OpenLoopJson.Default.OpenLoopResult));
        });
        if (await Task.WhenAny(process.Ended, Task.Delay(time + TimeSpan.FromSeconds(60))) != process.Ended) await process.KillAsync();
        if (result is null) throw new LabException($"{name}: it ended without a result: {Said(lab.Log, name)}");
        if (result.Failed + result.Unanswered > 0) throw new LabException($"{name}: {result.Failed} requests failed, {result.Unanswered} were never answered");
        return new OpenLoopRun(result, peer.Processes.Count == 0 ? double.NaN : after - before, allAfter - allBefore, memory);
    }

    // Without its command line, which may name hundreds of targets, and without what it said in earlier rounds.
    private static string Said(LabLog log, string name) => string.Join(' ', log.Of(name).Where(line => !line.StartsWith("[started:", StringComparison.Ordinal)).TakeLast(12));
}

/// <summary>An open loop over one peer, from after warming up to the last answer.</summary>
/// <param name="Result">What it saw.</param>
/// <param name="CpuSeconds">Of the peer's processes; not a number where there is no proxy.</param>
/// <param name="AllCpuSeconds">Of the whole machine.</param>
/// <param name="MemoryBytes">PSS of the peer's processes in between.</param>
internal sealed record OpenLoopRun(OpenLoopResult Result, double CpuSeconds, double AllCpuSeconds, double MemoryBytes);

[JsonSerializable(typeof(OpenLoopResult))]
internal sealed partial class OpenLoopJson : JsonSerializerContext;
