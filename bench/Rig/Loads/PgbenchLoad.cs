using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using Ambient.Cli.Lab;

namespace Ambient.Bench.Rig.Loads;

/// <summary>What pgbench has done.</summary>
/// <param name="Transactions">All that succeeded.</param>
/// <param name="PerSecond">Its rate, without the time for connecting.</param>
/// <param name="MeanMilliseconds">Its mean; a closed loop hides waiting, so it is stated and not judged.</param>
internal sealed record PgbenchResult(long Transactions, double PerSecond, double MeanMilliseconds);

/// <summary>pgbench(1): its built-in <c>select-only</c> with prepared statements, 8 clients: one trip each way for each transaction.</summary>
internal static partial class PgbenchLoad
{
    public static async Task<PgbenchResult> RunAsync(string network, IPEndPoint to, TimeSpan time)
    {
        var seconds = Math.Max(1, (int)Math.Round(time.TotalSeconds));
        var command = Command.Of("pgbench", "-n", "-S", "-M", "prepared", "-c", "8", "-j", "1", "-T", $"{seconds}", $"postgresql://app@{to}/postgres?sslmode=disable");
        var output = await Tool.MustAsync(command.Inside(network), atMost: time + TimeSpan.FromSeconds(30));
        var done = Done().Match(output);
        var rate = Rate().Match(output);
        var latency = Latency().Match(output);
        if (!done.Success || !rate.Success || !latency.Success || !output.Contains("number of failed transactions: 0 ", StringComparison.Ordinal))
            throw new LabException($"pgbench did not say what was expected of it: {output}");
        return new PgbenchResult(long.Parse(done.Groups[1].Value, CultureInfo.InvariantCulture), Number(rate), Number(latency));
    }

    private static double Number(Match match) => double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"number of transactions actually processed: (\d+)")]
    private static partial Regex Done();

    [GeneratedRegex(@"tps = ([0-9.]+) \(without initial connection time\)")]
    private static partial Regex Rate();

    [GeneratedRegex(@"latency average = ([0-9.]+) ms")]
    private static partial Regex Latency();
}
