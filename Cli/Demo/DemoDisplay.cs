using Ambient.Cli.Commands;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Ambient.Cli.Demo;

/// <summary>Shows the demo until it is to end: live in a terminal, as lines elsewhere, not at all for machines.</summary>
internal abstract class DemoDisplay
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(500);

    /// <summary>Shows nothing.</summary>
    public static DemoDisplay None { get; } = new Silent();

    /// <summary>The display that fits this terminal, or the lack of one.</summary>
    public static DemoDisplay Of(DemoRun run) => Console.IsOutputRedirected || Console.IsInputRedirected ? new Plain() : new Live(run);

    /// <summary>Shows the run until q, a signal or the end of its time.</summary>
    /// <param name="keys">Keys to press by itself, one after another.</param>
    public abstract Task ShowAsync(DemoRun run, string keys, StopSignal stop);

    private static string LineOf(Incident incident) => $"> {incident.Key}   {incident.Text}";

    private static Task DelayAsync(TimeSpan time, StopSignal stop) => Task.Delay(time, stop.Token).ContinueWith(_ => { }, TaskScheduler.Default);

    private static async Task PressAllAsync(DemoRun run, string keys, StopSignal stop, Action<Incident> happened)
    {
        foreach (var key in keys)
        {
            await DelayAsync(Step, stop);
            happened(await run.PressAsync(key));
        }
    }

    private sealed class Silent : DemoDisplay
    {
        public override async Task ShowAsync(DemoRun run, string keys, StopSignal stop)
        {
            await PressAllAsync(run, keys, stop, _ => { });
            await DelayAsync(Timeout.InfiniteTimeSpan, stop);
        }
    }

    private sealed class Plain : DemoDisplay
    {
        private static readonly TimeSpan TableEvery = TimeSpan.FromSeconds(3);

        public override async Task ShowAsync(DemoRun run, string keys, StopSignal stop)
        {
            await run.RowsAsync();
            await DelayAsync(TableEvery, stop);
            Console.WriteLine(DemoTable.Text(await run.RowsAsync()));
            await PressAllAsync(run, keys, stop, incident => Console.WriteLine(LineOf(incident)));
            while (!stop.Token.IsCancellationRequested)
            {
                await DelayAsync(TableEvery, stop);
                Console.WriteLine(DemoTable.Text(await run.RowsAsync()));
            }
        }
    }

    private sealed class Live(DemoRun run) : DemoDisplay
    {
        private const string Keys = "[[k]] kill the proxy  [[f]] flush the rules  [[x]] run a command in a pod  [[c]] capture packets  [[q]] quit";
        private const int MostLines = 10;

        private readonly List<string> _lines = [];
        private readonly Queue<char> _asked = new();
        private Task<Incident>? _atWork;
        private char _atWorkKey;

        public override async Task ShowAsync(DemoRun _, string keys, StopSignal stop)
        {
            foreach (var key in keys) _asked.Enqueue(key);
            var wantsCommand = true;
            while (wantsCommand && !stop.Token.IsCancellationRequested)
            {
                wantsCommand = await AnsiConsole.Live(new Text("")).AutoClear(true).StartAsync(context => ShowUntilCommandAsync(context, stop));
                if (wantsCommand) await PodCommand.AskAsync(run.Plan);
            }
            // The last state stays on the screen.
            AnsiConsole.Write(await PictureAsync());
        }

        // True when a command is to be run, for which the terminal is needed.
        private async Task<bool> ShowUntilCommandAsync(LiveDisplayContext context, StopSignal stop)
        {
            for (var turn = 0; !stop.Token.IsCancellationRequested; turn++)
            {
                while (Console.KeyAvailable)
                {
                    var key = char.ToLowerInvariant(Console.ReadKey(intercept: true).KeyChar);
                    if (key == 'q') return false;
                    if (key == 'x' && _atWork is null) return true;
                    if (key is 'k' or 'f' or 'c') _asked.Enqueue(key);
                }
                await WorkAsync();
                // Keys are answered at once, the numbers change twice a second.
                if (turn % 10 == 0) context.UpdateTarget(await PictureAsync());
                await DelayAsync(Step / 10, stop);
            }
            return false;
        }

        private async Task WorkAsync()
        {
            if (_atWork is { IsCompleted: true })
            {
                _lines.Add(LineOf(await _atWork));
                if (_lines.Count > MostLines) _lines.RemoveAt(0);
                _atWork = null;
            }
            if (_atWork is null && _asked.TryDequeue(out _atWorkKey)) _atWork = run.PressAsync(_atWorkKey);
        }

        private async Task<IRenderable> PictureAsync() => new Rows(
        [
            DemoTable.Live(await run.RowsAsync()), new Markup(Keys),
            .. _lines.Select(line => new Text(line)),
            .. _atWork is null ? Array.Empty<IRenderable>() : [new Text($"> {_atWorkKey}   ...")],
        ]);
    }
}
