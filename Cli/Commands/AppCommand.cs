using System.CommandLine;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Ambient.Cli.App;

namespace Ambient.Cli.Commands;

/// <summary><c>ambientctl app serve | load</c>: the apps of the demo, for starting inside pods. Not shown in the help.</summary>
internal static class AppCommand
{
    private static readonly TimeSpan LineEvery = TimeSpan.FromMilliseconds(500);

    public static Command Make() => new("app", "The demo's apps.") { Hidden = true, Subcommands = { Serve(), Load(), Flood() } };

    private static Command Serve()
    {
        var port = new Option<int>("--port") { Description = "Where to listen, on all addresses", Required = true };
        var command = new Command("serve", "Answers requests of `app load`.") { port };
        command.SetAction(async (parsed, _) =>
        {
            using var stop = new StopSignal();
            try
            {
                using var server = new AppServer(parsed.GetValue(port));
                Console.WriteLine("serving");
                await server.RunAsync(stop.Token);
                return 0;
            }
            catch (SocketException fault)
            {
                await Console.Error.WriteLineAsync($"app serve: {fault.Message}");
                return 1;
            }
        });
        return command;
    }

    private static Option<string> Targets() => new("--to") { Description = "ADDRESS:PORT, several separated by commas", Required = true };

    private static Command Load()
    {
        var to = Targets();
        var rate = new Option<double>("--rate") { Description = "Connections a second; 0 for as many as go", DefaultValueFactory = _ => 0 };
        var workers = new Option<int>("--workers") { Description = "Connections at once", DefaultValueFactory = _ => 4 };
        var seed = new Option<string>("--seed") { Description = "Hexadecimal name of the payload's pattern", DefaultValueFactory = _ => "0" };
        var request = new Option<int>("--request") { Description = "Bytes of a request", DefaultValueFactory = _ => 256 };
        var answer = new Option<int>("--answer") { Description = "Bytes of an answer", DefaultValueFactory = _ => 4096 };
        var seconds = new Option<double>("--seconds") { Description = "How long; 0 until told to end", DefaultValueFactory = _ => 0 };
        var command = new Command("load", "Opens connections, verifies every byte, and tells what it saw: a line of JSON every half second and one at the end.")
        {
            to, rate, workers, seed, request, answer, seconds,
        };
        command.SetAction(async (parsed, _) =>
        {
            using var stop = new StopSignal();
            if (parsed.GetValue(seconds) is > 0 and var limit) stop.After(TimeSpan.FromSeconds(limit));
            var client = new LoadClient(new LoadSettings
            {
                Targets = [.. parsed.GetRequiredValue(to).Split(',').Select(IPEndPoint.Parse)],
                Rate = parsed.GetValue(rate),
                Workers = parsed.GetValue(workers),
                Seed = ulong.Parse(parsed.GetRequiredValue(seed), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture),
                RequestBytes = parsed.GetValue(request),
                AnswerBytes = parsed.GetValue(answer),
            });
            return await TellAsync(client.RunAsync(stop.Token), client.Tally, LoadJson.Default.LoadTally);
        });
        return command;
    }

    private static Command Flood()
    {
        var to = Targets();
        var attempts = new Option<long>("--attempts") { Description = "Connections to open", DefaultValueFactory = _ => 1_000_000 };
        var workers = new Option<int>("--workers") { Description = "Connections at once", DefaultValueFactory = _ => 64 };
        var hold = new Option<bool>("--hold") { Description = "Keep them until told to end, instead of resetting each at once" };
        var command = new Command("flood", "Opens connections as fast as they go, for tests of what that does to others: a line of JSON every half second and one at the end.")
        {
            to, attempts, workers, hold,
        };
        command.SetAction(async (parsed, _) =>
        {
            using var stop = new StopSignal();
            var client = new FloodClient(new FloodSettings
            {
                Targets = [.. parsed.GetRequiredValue(to).Split(',').Select(IPEndPoint.Parse)],
                Attempts = parsed.GetValue(attempts),
                Workers = parsed.GetValue(workers),
                Holds = parsed.GetValue(hold),
            });
            return await TellAsync(client.RunAsync(stop.Token), client.Tally, FloodJson.Default.FloodTally);
        });
        return command;
    }

    // A line at a time while the work goes on, and one of its end.
    private static async Task<int> TellAsync<T>(Task work, Func<T> tally, JsonTypeInfo<T> type)
    {
        while (await Task.WhenAny(work, Task.Delay(LineEvery)) != work) Tell();
        await work;
        Tell();
        return 0;

        void Tell() => Console.WriteLine(JsonSerializer.Serialize(tally(), type));
    }
}
