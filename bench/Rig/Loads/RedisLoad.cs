using System.Globalization;
using System.Net;
using Ambient.Cli.Lab;

namespace Ambient.Bench.Rig.Loads;

/// <summary>What redis-benchmark has done.</summary>
/// <param name="Operations">SETs and GETs.</param>
/// <param name="Seconds">How long they took.</param>
/// <param name="P99Milliseconds">Its own figure, the worse of both kinds; a closed loop hides waiting, so it is stated and not judged.</param>
internal sealed record RedisResult(long Operations, double Seconds, double P99Milliseconds);

/// <summary>redis-benchmark(1): SET, then GET, over 50 connections, a closed loop without pipelining.</summary>
internal static class RedisLoad
{
    public const int Port = 6379;

    // About what the slowest peers carry on two cores, so that the load takes about the time that was asked for.
    private const int OperationsPerSecond = 10_000;

    // Its 50 connections are opened inside of what it measures: at 1.5 ms of CPU for a peer's handshake they were some 5 % of a run of 3 s, and are below 2 % of this.
    private const int Longer = 3;

    /// <summary>redis-server(1) that keeps nothing.</summary>
    public static Command Server => Command.Of("redis-server", "--port", $"{Port}", "--bind", "0.0.0.0", "--protected-mode", "no", "--save", "", "--appendonly", "no");

    public static async Task<RedisResult> RunAsync(string network, IPEndPoint to, TimeSpan time)
    {
        long operations = Math.Max(1000, (long)(Longer * OperationsPerSecond * time.TotalSeconds));
        var command = Command.Of("redis-benchmark", "-h", $"{to.Address}", "-p", $"{to.Port}", "-c", "50", "-n", $"{operations}", "-d", "100", "-t", "set,get", "--csv");
        var output = await Tool.MustAsync(command.Inside(network), atMost: (Longer * time) + TimeSpan.FromMinutes(1));
        // "test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms","max_latency_ms"
        var rows = output.Split('\n').Select(line => line.Split(',').Select(field => field.Trim('"', '\r')).ToArray()).Where(row => row[0] is "SET" or "GET").ToList();
        if (rows.Count != 2) throw new LabException($"redis-benchmark did not say what was expected of it: {output}");
        double Field(string[] row, int index) => double.Parse(row[index], CultureInfo.InvariantCulture);
        return new RedisResult(2 * operations, rows.Sum(row => operations / Field(row, 1)), rows.Max(row => Field(row, 6)));
    }
}
