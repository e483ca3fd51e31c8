using System.Diagnostics;
using System.Text;
using Ambient.Native.Descriptors;
using Ambient.Native.Processes;

namespace Ambient.Tests.Unit.Native.Processes;

public sealed class ChildProcessTests
{
    private static readonly TimeSpan _long = TimeSpan.FromSeconds(30);

    [Fact]
    public void A_child_reads_its_input_and_its_output_error_and_exit_code_come_back()
    {
        var result = ChildProcess.Run("/bin/sh", ["-c", "cat; echo oops >&2; exit 7"], "some text"u8, _long, TimeProvider.System);
        Assert.Equal(new ChildResult(7, false, "some text", "oops\n"), result);
        Assert.False(result.IsOk);
    }

    [Fact]
    public void More_than_a_pipe_holds_goes_both_ways()
    {
        byte[] input = Encoding.ASCII.GetBytes(new string('x', 1_000_000));
        var result = ChildProcess.Run("/bin/cat", [], input, _long, TimeProvider.System);
        Assert.True(result.IsOk);
        Assert.Equal(input.Length, result.Output.Length);
    }

    [Fact]
    public void A_child_that_takes_too_long_is_killed_and_leaves_no_zombie()
    {
        var clock = Stopwatch.StartNew();
        var result = ChildProcess.Run("/bin/sleep", ["100"], [], TimeSpan.FromMilliseconds(50), TimeProvider.System);
        Assert.True(result.IsTimedOut);
        Assert.Equal(128 + 9, result.ExitCode);
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(20));
    }

    [Fact]
    public void A_child_inherits_none_of_our_descriptors_no_ignored_signals_and_little_environment()
    {
        using var secret = Ambient.Native.Unix.SealedMemory.Create("ambient-secret", [1]);
        Assert.DoesNotContain("ambient-secret", ChildProcess.Run("/bin/ls", ["-l", "/proc/self/fd"], [], _long, TimeProvider.System).Output, StringComparison.Ordinal);
        string status = ChildProcess.Run("/bin/cat", ["/proc/self/status"], [], _long, TimeProvider.System).Output;
        Assert.Contains("SigBlk:\t0000000000000000", status, StringComparison.Ordinal);
        string ignored = status.Split('\n').Single(line => line.StartsWith("SigIgn:", StringComparison.Ordinal))[7..].Trim();
        const ulong brokenPipe = 1ul << (13 - 1); // SIGPIPE, which this runtime ignores
        Assert.Equal(0ul, ulong.Parse(ignored, System.Globalization.NumberStyles.AllowHexSpecifier, System.Globalization.CultureInfo.InvariantCulture) & brokenPipe);
        Assert.Equal("PATH=/usr/sbin:/usr/bin:/sbin:/bin\0LC_ALL=C\0", ChildProcess.Run("/bin/cat", ["/proc/self/environ"], [], _long, TimeProvider.System).Output);
    }

    [Fact]
    public void A_program_that_is_missing_is_an_error_with_its_name() => Assert.Contains("/no/such/program",
        Assert.Throws<SystemCallException>(() => ChildProcess.Run("/no/such/program", [], [], _long, TimeProvider.System)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_lock_is_held_by_one_at_a_time_and_free_after_it()
    {
        string path = Path.GetTempFileName();
        var first = FileLock.TryTake(path);
        Assert.NotNull(first);
        Assert.Null(FileLock.TryTake(path));
        first.Dispose();
        using (var second = FileLock.TryTake(path))
            Assert.NotNull(second);
        File.Delete(path);
    }
}
