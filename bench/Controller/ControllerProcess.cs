using System.Diagnostics;
using System.Globalization;
using System.Net;
using Ambient.Controller;
using Ambient.Controller.Authority;
using Microsoft.Extensions.Logging;

namespace Ambient.Bench.Controller;

/// <summary>
/// The process under test: a whole controller, only its source is generated in it. Answers lines of its standard input: <c>one</c> makes a
/// change, <c>rate R SECONDS</c> makes R a second, and nothing ends it.
/// </summary>
internal static class ControllerProcess
{
    internal static async Task<int> RunAsync(string state, ClusterSize size)
    {
        using var loggers = LoggerFactory.Create(logging => logging.SetMinimumLevel(LogLevel.Warning).AddSimpleConsole(console => console.SingleLine = true)
            .AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace));
        var source = new GeneratedSource(new GeneratedCluster(size));
        var options = new ControllerOptions { Source = "", State = state, Listen = new IPEndPoint(IPAddress.Any, 0), Admin = null };
        var began = Stopwatch.GetTimestamp();
        await using var host = await ControllerHost.StartAsync(options, TimeProvider.System, loggers, source: source);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"ready {host.EndPoint.Port} {Stopwatch.GetElapsedTime(began).TotalSeconds:F2}"));
        while (Console.ReadLine() is { } line)
        {
            switch (line.Split(' '))
            {
                case ["one"]:
                    source.Happen(EventMark.At(Stopwatch.GetTimestamp()));
                    break;
                case ["rate", var rate, var seconds]:
                    await HappenAsync(source, int.Parse(rate, CultureInfo.InvariantCulture), int.Parse(seconds, CultureInfo.InvariantCulture));
                    break;
            }
            Console.WriteLine("done");
        }
        return 0;
    }

    // An open loop: a change happens when it is due, whether those before it have been told or not.
    private static async Task HappenAsync(GeneratedSource source, int rate, int seconds)
    {
        var (began, step) = (Stopwatch.GetTimestamp(), Stopwatch.Frequency / rate);
        for (var i = 0; i < rate * seconds; i++)
        {
            var due = began + (i * step);
            if (Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), due) is { Ticks: > 0 } wait)
                await Task.Delay(wait);
            source.Happen(EventMark.At(due));
        }
    }

    /// <summary>Where the nodes find what they need: made before the process starts.</summary>
    internal static JoinTokens TokensOf(string state) => JoinTokens.OfState(new StateFolder(state));
}
