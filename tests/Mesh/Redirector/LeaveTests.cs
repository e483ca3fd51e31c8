using System.Diagnostics;
using Ambient.Native.Descriptors;
using Ambient.Native.Processes;

namespace Ambient.Tests.Mesh.Redirector;

public sealed class LeaveTests
{
    // Every new connection to an app needs a socket. On a busy machine what nft does takes seconds, and a roll-out ends a Redirector while
    // it, new itself, still loads the rules of its pods.
    [Fact]
    public void While_work_under_way_keeps_a_Redirector_from_ending_it_gives_sockets_as_before()
    {
        using var run = new RedirectorRun();
        using var net = new PodNet();
        var pod = net.Add();
        var nft = new HeldNft(run.Folder);
        var process = run.StartWith(nft);
        using var node = run.Capture(pod);
        nft.Hold();
        pod.Nft("delete", "table", "inet", "ambient");
        nft.AwaitHeld();

        Assert.Equal(Errno.None, Signals.Terminate(process.Id));
        var clock = Stopwatch.StartNew();
        for (int i = 0; i < 5; i++)
        {
            Wire.Pause(100);
            Assert.NotNull(node.RequestSockets(pod.Uid, 2).Given);
        }
        TestContext.Current.TestOutputHelper?.WriteLine($"ten sockets within {clock.Elapsed.TotalMilliseconds:0} ms after it was told to end");
        Assert.False(process.HasExited);

        nft.LetGo();
        Assert.True(process.WaitForExit(TimeSpan.FromSeconds(10)));
        Assert.Equal(0, process.ExitCode);
        Assert.True(pod.HasTable, "what was under way is done");
    }
}
