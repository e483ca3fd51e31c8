using System.CommandLine;
using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using Ambient.Cli.Lab;

namespace Ambient.Bench.Rig.Loads;

/// <summary>The open loop as a process of its own, so that it can run inside a pod's namespace.</summary>
internal static class OpenLoopCommand
{
    public static System.CommandLine.Command Make()
    {
        var to = new Option<string>("--to") { Required = true };
        var connections = new Option<int>("--connections") { DefaultValueFactory = _ => 64 };
        var rate = new Option<double>("--rate") { DefaultValueFactory = _ => 4000 };
        var seconds = new Option<double>("--seconds") { DefaultValueFactory = _ => 3 };
        var command = new System.CommandLine.Command("open-loop", "Requests at a fixed rate; the result in JSON.") { to, connections, rate, seconds };
        command.SetAction(parsed =>
        {
            var address = IPEndPoint.Parse(parsed.GetValue(to)!);
            // Once short, so that the second run measures the proxy and not this program's compiler.
            new OpenLoop(address, parsed.GetValue(connections), parsed.GetValue(rate), TimeSpan.FromSeconds(0.5)).Run();
            var result = new OpenLoop(address, parsed.GetValue(connections), parsed.GetValue(rate), TimeSpan.FromSeconds(parsed.GetValue(seconds))).Run();
            Console.WriteLine(JsonSerializer.Serialize(result, OpenLoopJson.Default.OpenLoopResult));
        });
        return command;
    }

    /// <summary>Runs it inside a namespace.</summary>
    public static async Task<OpenLoopResult> RunAsync(string network, IPEndPoint to, int connections, double rate, TimeSpan time)
    {
        var output = await Tool.MustAsync(Cli.Lab.Command.Of(Path.Combine(AppContext.BaseDirectory, "Ambient.Bench.Rig"), "open-loop", "--to", $"{to}",
            "--connections", $"{connections}", "--rate", rate.ToString(CultureInfo.InvariantCulture), "--seconds", time.TotalSeconds.ToString(CultureInfo.InvariantCulture)).Inside(network),
            atMost: time + TimeSpan.FromSeconds(40));
        return JsonSerializer.Deserialize(output, OpenLoopJson.Default.OpenLoopResult)!;
    }
}

[JsonSerializable(typeof(OpenLoopResult))]
internal sealed partial class OpenLoopJson : JsonSerializerContext;
