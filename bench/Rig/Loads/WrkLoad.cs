using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using Ambient.Cli.Lab;

namespace Ambient.Bench.Rig.Loads;

/// <summary>What a closed loop of wrk has done.</summary>
/// <param name="Requests">Answered.</param>
/// <param name="Seconds">How long it ran.</param>
/// <param name="Errors">Socket errors and answers other than 2xx.</param>
internal sealed record WrkResult(long Requests, double Seconds, long Errors);

/// <summary>wrk(1): one thread, a closed loop over keep-alive connections, or a connection for each request.</summary>
internal static partial class WrkLoad
{
    public static async Task<WrkResult> RunAsync(string network, IPEndPoint to, int connections, TimeSpan time, bool newConnections = false)
    {
        var seconds = Math.Max(1, (int)Math.Round(time.TotalSeconds));
        var command = Command.Of("wrk", ["-t1", $"-c{connections}", $"-d{seconds}s", .. newConnections ? new[] { "-H", "Connection: close" } : [], $"http://{to}/"]);
        var output = await Tool.MustAsync(command.Inside(network), atMost: time + TimeSpan.FromSeconds(30));
        var total = Total().Match(output);
        if (!total.Success) throw new LabException($"wrk said nothing of requests: {output}");
        var errors = Errors().Matches(output).Sum(match => long.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture));
        return new WrkResult(long.Parse(total.Groups[1].Value, CultureInfo.InvariantCulture), SecondsOf(total.Groups[2].Value), errors);
    }

    private static double SecondsOf(string text)
    {
        var unit = text.EndsWith("us", StringComparison.Ordinal) ? 1e-6 : text.EndsWith("ms", StringComparison.Ordinal) ? 1e-3 : text.EndsWith('m') ? 60 : 1;
        return unit * double.Parse(text.TrimEnd('u', 'm', 's'), CultureInfo.InvariantCulture);
    }

    [GeneratedRegex(@"(\d+) requests in ([0-9.]+[a-z]+)")]
    private static partial Regex Total();

    // "Socket errors: connect 0, read 1, write 0, timeout 0"
    [GeneratedRegex(@"(?:connect|read|write|timeout|Non-2xx or 3xx responses:) (\d+)")]
    private static partial Regex Errors();
}
