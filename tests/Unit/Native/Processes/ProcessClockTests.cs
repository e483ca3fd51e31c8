using System.Diagnostics;
using Ambient.Native.Processes;

namespace Ambient.Tests.Unit.Native.Processes;

public sealed class ProcessClockTests
{
    // .NET's pool ends threads that idle: what they did must not be missing from a process's books.
    [Fact]
    public void A_process_has_the_time_of_threads_that_have_ended_too()
    {
        long before = ProcessClock.Nanoseconds(Environment.ProcessId)!.Value;
        var thread = new Thread(() =>
        {
            for (var clock = Stopwatch.StartNew(); clock.ElapsedMilliseconds < 50;) { }
        });
        thread.Start();
        thread.Join();
        long used = ProcessClock.Nanoseconds(Environment.ProcessId)!.Value - before;

        // Of its 50 ms a busy machine may have given it less.
        Assert.InRange(used, 1_000_000, long.MaxValue);
    }

    [Fact]
    public void Another_process_has_the_time_that_the_shell_says_it_used()
    {
        using var busy = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", "i=0; while [ $i -lt 50000 ]; do i=$((i+1)); done; times; read -r _"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        string said = busy.StandardOutput.ReadLine()!;   // 0m0.040000s 0m0.000000s
        double seconds = said.Split(' ').Sum(time => double.Parse(time[(time.IndexOf('m') + 1)..^1], System.Globalization.CultureInfo.InvariantCulture));
        double counted = ProcessClock.Nanoseconds(busy.Id)!.Value / 1e9;
        busy.StandardInput.Close();
        busy.WaitForExit();

        Assert.InRange(counted, seconds - 0.02, seconds + 0.1);
        Assert.True(counted > 0);
    }

    [Fact]
    public void A_process_that_is_not_there_has_no_time()
    {
        using var gone = Process.Start("/bin/true");
        gone.WaitForExit();

        Assert.Null(ProcessClock.Nanoseconds(gone.Id));
    }
}
