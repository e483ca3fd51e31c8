using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Ambient.Cli.Demo;
using Ambient.Cli.Lab;

namespace Ambient.Cli.Commands;

/// <summary><c>ambientctl demo</c>: a mesh of two nodes on this machine, with real traffic.</summary>
internal static class DemoCommand
{
    public static System.CommandLine.Command Make()
    {
        var time = new Option<string?>("--for") { Description = "End after a time, like 10s or 2m; without it, when q is pressed", HelpName = "TIME" };
        var json = new Option<bool>("--json") { Description = "Show nothing, and end with a report in JSON" };
        var press = new Option<string?>("--press") { Description = "Keys to press one after another while it runs: of k, f and c", HelpName = "KEYS" };
        time.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string?>() is { } text && !TryReadTime(text, out _)) result.AddError($"--for takes a time like 10s or 2m, not '{text}'.");
        });
        press.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string?>() is { } keys && keys.Any(key => key is not ('k' or 'f' or 'c'))) result.AddError($"--press takes the keys k, f and c, not '{keys}'.");
        });
        var command = new System.CommandLine.Command("demo",
            "Brings up a mesh of two nodes with three pods each, in network namespaces of this machine, and shows its traffic. Start it with ./ambient.sh demo.\n"
            + "Exit status: 0 every connection of an enrolled pair was carried and every one between nodes under mutual TLS, 1 not so, 2 wrong usage; 130 and 143 after Ctrl-C and kill.")
        {
            time, json, press,
        };
        command.SetAction(async (parsed, _) =>
        {
            TimeSpan? limit = parsed.GetValue(time) is { } text && TryReadTime(text, out var asked) ? asked : null;
            return await RunAsync(limit, parsed.GetValue(json), parsed.GetValue(press) ?? "");
        });
        return command;
    }

    private static async Task<int> RunAsync(TimeSpan? limit, bool json, string keys)
    {
        if (Environment.GetEnvironmentVariable("AMBIENT_ISOLATED") != "1")
        {
            await Console.Error.WriteLineAsync("ambientctl demo: it lives in network namespaces of its own, which ./ambient.sh demo makes. Start that.");
            return CommandLine.BadUsage;
        }
        using var stop = new StopSignal();
        var build = Environment.GetEnvironmentVariable("AMBIENT_BUILD_SECONDS") is { } seconds ? $" (build {seconds} s)" : "";
        try
        {
            await using var run = await DemoRun.StartAsync(line => Console.Error.WriteLine(line)).WaitAsync(stop.Token);
            if (!json)
            {
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"2 nodes, 6 pods, real nftables, real mutual TLS. Ready in {run.Ready.TotalSeconds:0.0} s{build}."));
            }
            var display = json ? DemoDisplay.None : DemoDisplay.Of(run);
            if (limit is { } time) stop.After(time);
            await display.ShowAsync(run, keys, stop);
            var report = await run.EndAsync();
            if (json) Console.WriteLine(JsonSerializer.Serialize(report, DemoJson.Default.DemoReport));
            foreach (var problem in report.Problems) await Console.Error.WriteLineAsync($"ambientctl demo: {problem}");
            if (!report.Ok) await Console.Error.WriteLineAsync(run.Said);
            return stop.ExitStatus ?? (report.Ok ? 0 : 1);
        }
        catch (OperationCanceledException) when (stop.ExitStatus is not null)
        {
            // While it was starting. What runs already ends with the namespaces.
            return stop.ExitStatus.Value;
        }
        catch (LabException fault)
        {
            await Console.Error.WriteLineAsync($"ambientctl demo: {fault.Message}");
            return 1;
        }
    }

    /// <summary>Reads "10s" or "2m"; a bare number is seconds.</summary>
    internal static bool TryReadTime(string text, out TimeSpan time)
    {
        var unit = text.EndsWith('m') ? 60 : 1;
        var ok = double.TryParse(text.TrimEnd('s', 'm'), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) && number is > 0 and <= 86_400;
        time = ok ? TimeSpan.FromSeconds(number * unit) : default;
        return ok;
    }
}
