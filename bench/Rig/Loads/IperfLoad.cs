using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Ambient.Cli.Lab;

namespace Ambient.Bench.Rig.Loads;

/// <summary>iperf3(1): bytes from the client to the server as fast as they go.</summary>
internal static class IperfLoad
{
    public const int Port = 5201;

    /// <returns>Bytes that arrived, and over how many seconds.</returns>
    public static async Task<(double Bytes, double Seconds)> RunAsync(string network, IPEndPoint to, int flows, TimeSpan time)
    {
        var seconds = Math.Max(1, (int)Math.Round(time.TotalSeconds));
        var command = Command.Of("iperf3", "-c", $"{to.Address}", "-p", $"{to.Port}", "-P", $"{flows}", "-t", $"{seconds}", "-J").Inside(network);
        for (int attempt = 1; ; attempt++)
        {
            var result = await Tool.RunAsync(command, atMost: time + TimeSpan.FromSeconds(30));
            var report = Report(result);
            if (report?["end"]?["sum_received"] is { } received) return ((double)received["bytes"]!, (double)received["seconds"]!);
            var error = (string?)report?["error"] ?? result.Error;
            // A server of iperf3 serves one test at a time, and may not have seen the end of the last one yet.
            if (attempt == 10 || !error.Contains("busy", StringComparison.Ordinal)) throw new LabException($"'{command}': {error}");
            await Task.Delay(TimeSpan.FromMilliseconds(200));
        }
    }

    private static JsonNode? Report(ToolResult result)
    {
        try
        {
            return JsonNode.Parse(result.Output);
        }
        catch (JsonException)
        {
            throw new LabException($"iperf3 ended with exit status {result.ExitCode} and no report: {(result.Error + result.Output).Trim()}");
        }
    }

    /// <summary>Starts its server in a pod and waits until it serves.</summary>
    public static Task<LabProcess> StartServerAsync(Cli.Lab.Lab lab, string network) =>
        Listening.StartAsync(lab, "iperf3", Command.Of("iperf3", "-s", "-p", $"{Port}"), network, Port);
}
