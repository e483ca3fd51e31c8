using System.Globalization;
using System.Net;
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
        var output = await Tool.MustAsync(Command.Of("iperf3", "-c", $"{to.Address}", "-p", $"{to.Port}", "-P", $"{flows}", "-t", $"{seconds}", "-J").Inside(network),
            atMost: time + TimeSpan.FromSeconds(30));
        var received = JsonNode.Parse(output)!["end"]!["sum_received"]!;
        return ((double)received["bytes"]!, (double)received["seconds"]!);
    }

    public static Command Server => Command.Of("iperf3", "-s", "-p", Port.ToString(CultureInfo.InvariantCulture));
}
