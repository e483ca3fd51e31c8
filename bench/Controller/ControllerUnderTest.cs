using System.Diagnostics;
using System.Globalization;
using Ambient.Bench.Rig.Accounting;

namespace Ambient.Bench.Controller;

/// <summary>A controller in a process of its own, watched from outside: memory and CPU are by the kernel's books.</summary>
internal sealed class ControllerUnderTest : IDisposable
{
    private readonly Process _process;

    private ControllerUnderTest(Process process, int port, double start)
    {
        _process = process;
        Port = port;
        StartSeconds = start;
    }

    internal int Port { get; }

    /// <summary>From nothing to a model that is served, in seconds.</summary>
    internal double StartSeconds { get; }

    /// <summary>CPU seconds used so far.</summary>
    internal double Cpu => ProcessCpu.Seconds([_process.Id]);

    /// <summary>PSS, in bytes.</summary>
    internal double Memory => ProcessMemory.Bytes([_process.Id]);

    internal static async Task<ControllerUnderTest> StartAsync(string state, ClusterSize size)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!, ["serve", state, $"{size.Nodes}", $"{size.Pods}", $"{size.Slices}"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            Environment = { ["MALLOC_ARENA_MAX"] = "2", ["DOTNET_SYSTEM_BUFFERS_SHAREDARRAYPOOL_MAXARRAYSPERPARTITION"] = "512" },   // as in deploy/
        };
        var process = Process.Start(start)!;
        if (await process.StandardOutput.ReadLineAsync() is not { } line || line.Split(' ') is not ["ready", var port, var seconds])
            throw new BenchException("the controller did not start; its words are above");
        return new ControllerUnderTest(process, int.Parse(port, CultureInfo.InvariantCulture), double.Parse(seconds, CultureInfo.InvariantCulture));
    }

    /// <summary>Has the source change.</summary>
    internal async Task TellAsync(string command)
    {
        await _process.StandardInput.WriteLineAsync(command);
        await _process.StandardInput.FlushAsync();
        if (await _process.StandardOutput.ReadLineAsync() is null)
            throw new BenchException("the controller ended");
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }
}
