using System.Diagnostics;
using System.Text;
using Ambient.Cli.Lab;

namespace Ambient.Tests.Mesh.Demo;

/// <summary><c>./ambient.sh demo</c> as a user starts it, at a terminal or without one.</summary>
internal sealed class DemoProgram : IAsyncDisposable
{
    // Bringing the mesh up takes 5 to 15 s, depending on what else the machine does.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly Task _reading;
    private int _seen;

    private DemoProgram(Process process)
    {
        _process = process;
        _reading = Task.WhenAll(ReadAsync(process.StandardOutput), ReadAsync(process.StandardError));
    }

    /// <summary>The script.</summary>
    public static string Script => Path.Combine(Programs.Checkout!, "ambient.sh");

    /// <summary>Everything it said.</summary>
    public string Output
    {
        get { lock (_output) return _output.ToString(); }
    }

    /// <summary>Starts it without a terminal.</summary>
    public static DemoProgram Start(params ReadOnlySpan<string> arguments) =>
        new(LabProcess.Launch(Command.Of(Script, ["demo", .. arguments]), withInput: false));

    /// <summary>Starts it at a terminal of its own (script(1) makes one), wide enough for a line to be a line.</summary>
    /// <remarks>With Ctrl-C as a terminal has it: whoever started the tests in the background has it ignored in all that they start.</remarks>
    public static DemoProgram StartAtTerminal() => new(LabProcess.Launch(
        Command.Of("script", "-qec", $"stty cols 180 rows 50; export TERM=xterm; exec env --default-signal=INT '{Script}' demo", "/dev/null"), withInput: true));

    /// <summary>Runs it to its end.</summary>
    public static Task<ToolResult> RunAsync(params ReadOnlySpan<string> arguments) => Tool.RunAsync(Command.Of(Script, ["demo", .. arguments]), atMost: Patience);

    /// <summary>Waits until it says something, after what was waited for before.</summary>
    public async Task SaysAsync(string text)
    {
        var deadline = Stopwatch.StartNew();
        int at;
        while ((at = Output.IndexOf(text, _seen, StringComparison.Ordinal)) < 0)
        {
            if (deadline.Elapsed > Patience || _process.HasExited) Assert.Fail($"'{text}' was not said. {Output[_seen..]}");
            await Task.Delay(50);
        }
        _seen = at + text.Length;
    }

    /// <summary>Types at its terminal.</summary>
    public async Task TypeAsync(string keys)
    {
        await _process.StandardInput.WriteAsync(keys);
        await _process.StandardInput.FlushAsync();
    }

    /// <summary>Sends it a signal: to the script alone, as <c>kill</c> does.</summary>
    public void Signal(Func<int, object> signal) => signal(_process.Id);

    /// <summary>Waits for its end.</summary>
    /// <returns>Its exit status.</returns>
    public async Task<int> EndAsync()
    {
        using var timer = new CancellationTokenSource(Patience);
        try
        {
            await _process.WaitForExitAsync(timer.Token);
        }
        catch (OperationCanceledException)
        {
            var processes = await Tool.RunAsync(Command.Of("sh", "-c", "ps -eo pid,ppid,pgid,stat,wchan:24,etime,args --forest 2>&1"), atMost: Patience);
            Assert.Fail($"It did not end within {Patience.TotalSeconds:0} s.\n{Output[_seen..]}\n{processes.Output}");
        }
        return _process.ExitCode;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        await Task.WhenAny(_reading, Task.Delay(TimeSpan.FromSeconds(1)));
        _process.Dispose();
    }

    private async Task ReadAsync(StreamReader from)
    {
        var buffer = new char[4096];
        while (await from.ReadAsync(buffer) is > 0 and var some)
            lock (_output) _output.Append(buffer, 0, some);
    }
}
