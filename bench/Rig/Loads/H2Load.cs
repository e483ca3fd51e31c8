using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using Ambient.Cli.Lab;

namespace Ambient.Bench.Rig.Loads;

/// <summary>What h2load has done.</summary>
/// <param name="Requests">Answered with 2xx.</param>
/// <param name="Failed">Those that were not.</param>
/// <param name="Seconds">From the first connection to the last answer; in runs by time, that time.</param>
/// <param name="MeanMilliseconds">Its mean over requests, each from when it was sent.</param>
/// <param name="FirstByteMilliseconds">Its mean over connections, from the start of connecting to the first byte of an answer.</param>
internal sealed record H2LoadResult(long Requests, long Failed, double Seconds, double MeanMilliseconds, double FirstByteMilliseconds);

/// <summary>h2load(1), speaking HTTP/1.1.</summary>
internal static partial class H2Load
{
    /// <summary>So many connections at once, one request on each.</summary>
    public static async Task<H2LoadResult> BurstAsync(string network, IPEndPoint to, int connections)
    {
        var output = await Tool.MustAsync(Command.Of("h2load", "--h1", $"-n{connections}", $"-c{connections}", $"http://{to}/").Inside(network));
        return Parse(output, SecondsOf(Must(Finished(), output).Groups[1].Value));
    }

    /// <summary>Requests at a fixed rate over keep-alive connections.</summary>
    public static async Task<H2LoadResult> AtRateAsync(string network, IPEndPoint to, int connections, double rate, TimeSpan time)
    {
        string perConnection = (rate / connections).ToString("0.###", CultureInfo.InvariantCulture);
        var seconds = Math.Max(1, (int)Math.Round(time.TotalSeconds));
        var command = Command.Of("h2load", "--h1", $"--rps={perConnection}", $"-c{connections}", $"-D{seconds}", "--warm-up-time=1", $"http://{to}/");
        return Parse(await Tool.MustAsync(command.Inside(network), atMost: time + TimeSpan.FromSeconds(30)), seconds);
    }

    private static H2LoadResult Parse(string output, double seconds)
    {
        var counts = Must(Counts(), output);
        return new H2LoadResult(Number(counts.Groups[1].Value), counts.Groups.Values.Skip(2).Sum(group => Number(group.Value)), seconds,
            1000 * SecondsOf(Must(Request(), output).Groups[1].Value), 1000 * SecondsOf(Must(FirstByte(), output).Groups[1].Value));
    }

    private static Match Must(Regex pattern, string output) => pattern.Match(output) is { Success: true } match ? match : throw new LabException($"h2load did not say what was expected of it: {output}");

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);

    private static double SecondsOf(string text)
    {
        var unit = text.EndsWith("us", StringComparison.Ordinal) ? 1e-6 : text.EndsWith("ms", StringComparison.Ordinal) ? 1e-3 : 1;
        return unit * double.Parse(text.TrimEnd('u', 'm', 's'), CultureInfo.InvariantCulture);
    }

    [GeneratedRegex(@"finished in ([0-9.]+[a-z]+)")]
    private static partial Regex Finished();

    [GeneratedRegex(@"(\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout")]
    private static partial Regex Counts();

    // min, max, mean
    [GeneratedRegex(@"time for request:\s+\S+\s+\S+\s+(\S+)")]
    private static partial Regex Request();

    [GeneratedRegex(@"time to 1st byte:\s+\S+\s+\S+\s+(\S+)")]
    private static partial Regex FirstByte();
}
