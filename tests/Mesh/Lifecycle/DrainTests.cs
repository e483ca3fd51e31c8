using System.Diagnostics;
using System.Net.Sockets;
using Ambient.Cli.Lab;
using Ambient.Tests.Mesh.Rig;

namespace Ambient.Tests.Mesh.Lifecycle;

/// <summary>How long a NodeProxy that was told to end goes on. In a lab of its own, with little time.</summary>
public sealed class DrainTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task A_connection_that_goes_on_when_the_time_to_drain_is_over_is_reset()
    {
        Machine.Offers("ip", "nft", "nsenter", "setpriv");
        var plan = Plans.Standard with { NodeDrainSeconds = 1 };
        await using var lab = await Lab.StartAsync(plan);
        Assert.SkipUnless(lab.Nodes[0].CanRunTwo, "There is only one user here: two NodeProxies cannot share one inherited pair.");
        await lab.EnrolAsync("shop", "guarded");
        using var listener = PodSocket.Listen("p23");
        await using var talk = await Talk.StartAsync("p11", plan.Service("jobs").V6, 80, listener);

        var began = Stopwatch.GetTimestamp();
        var old = await lab.Nodes[0].ReplaceNodeProxyAsync(Patience);

        var broken = Assert.IsType<SocketException>(await talk.BrokenAsync(Patience));
        Assert.Equal(SocketError.ConnectionReset, broken.SocketErrorCode);
        Assert.True(Stopwatch.GetElapsedTime(began) >= TimeSpan.FromSeconds(1), "it was cut before its time");
        Assert.Equal(0, await old.Ended.WaitAsync(Patience));
    }
}
