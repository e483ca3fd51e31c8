using System.ComponentModel;
using System.Diagnostics;
using Ambient.Native.Processes;

namespace Ambient.Cli.Lab;

/// <summary>A process of the lab that runs until it is told to end. What it says goes into the lab's log.</summary>
internal sealed class LabProcess
{
    private static readonly TimeSpan TerminatePatience = TimeSpan.FromSeconds(5);

    private readonly Process _process;

    private LabProcess(string name, Process process, LabLog log, Action<string>? onOutput)
    {
        (Name, _process) = (name, process);
        Id = process.Id;
        // A process has ended when it is gone and everything it said has been read.
        Ended = WaitAsync(
            ReadAsync(process.StandardOutput, line => { if (onOutput is null) log.Add(name, line); else onOutput(line); }),
            ReadAsync(process.StandardError, line => log.Add(name, line)), log);
    }

    /// <summary>For people and the log.</summary>
    public string Name { get; }

    /// <summary>The process id in this PID namespace.</summary>
    public int Id { get; }

    /// <summary>Ends with the exit status; 128 + n after signal n.</summary>
    public Task<int> Ended { get; }

    /// <summary>Starts a process.</summary>
    /// <param name="name">For people and the log.</param>
    /// <param name="onOutput">Takes the lines of its standard output, on any thread; without it they go to the log.</param>
    /// <exception cref="LabException">It could not be started.</exception>
    public static LabProcess Start(string name, Command command, LabLog log, Action<string>? onOutput = null)
    {
        log.Add(name, $"[started: {command}]");
        return new LabProcess(name, Launch(command.InOwnSession(), withInput: false), log, onOutput);
    }

    /// <summary>Ends it at once and waits for that. Nothing it holds is put in order.</summary>
    public async Task KillAsync()
    {
        if (!Ended.IsCompleted) Signals.Kill(Id);
        await Ended;
    }

    /// <summary>Asks it to end, and does not wait.</summary>
    public void Terminate()
    {
        if (!Ended.IsCompleted) Signals.Terminate(Id);
    }

    /// <summary>Asks it to end and waits; kills it when it takes longer than <paramref name="patience"/> (5 s unless told).</summary>
    /// <returns>The exit status.</returns>
    public async Task<int> TerminateAsync(TimeSpan? patience = null)
    {
        if (!Ended.IsCompleted) Signals.Terminate(Id);
        if (await Task.WhenAny(Ended, Task.Delay(patience ?? TerminatePatience)) != Ended) await KillAsync();
        return await Ended;
    }

    /// <summary>Starts a program with all three streams in our hands and an environment without settings of ours.</summary>
    internal static Process Launch(Command command, bool withInput)
    {
        var start = new ProcessStartInfo(command.Program)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        foreach (var argument in command.Arguments) start.ArgumentList.Add(argument);
        // The processes take settings from AMBIENT_*, and those of the lab itself are not for them.
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("AMBIENT_", StringComparison.Ordinal)).ToList())
            start.Environment.Remove(name);
        start.Environment["DOTNET_EnableDiagnostics"] = "0";   // no sockets in the temporary folder
        start.Environment["LC_ALL"] = "C";
        try
        {
            var process = Process.Start(start)!;
            if (!withInput) process.StandardInput.Close();
            return process;
        }
        catch (Win32Exception fault)
        {
            throw new LabException($"'{command.Program}' could not be started: {fault.Message}", fault);
        }
    }

    private static async Task ReadAsync(StreamReader from, Action<string> onLine)
    {
        while (await from.ReadLineAsync() is { } line) onLine(line);
    }

    private async Task<int> WaitAsync(Task output, Task error, LabLog log)
    {
        await _process.WaitForExitAsync();
        // A grandchild may hold the streams open; what this one said has come by then.
        await Task.WhenAny(Task.WhenAll(output, error), Task.Delay(TimeSpan.FromSeconds(1)));
        var status = _process.ExitCode;
        log.Add(Name, $"[ended: exit status {status}]");
        _process.Dispose();
        return status;
    }
}
