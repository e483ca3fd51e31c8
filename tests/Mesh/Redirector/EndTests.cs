using System.Diagnostics;
using Ambient.Native.Namespaces;
using Ambient.Protocol.Discovery.V1;

namespace Ambient.Tests.Mesh.Redirector;

public sealed class EndTests
{
    [Fact]
    public void A_pods_end_is_noticed_within_a_second_and_its_namespace_and_address_are_free_again()
    {
        using var run = new RedirectorRun();
        using var net = new PodNet();
        var pod = net.Add();
        var process = run.Start();
        using var node = run.Capture(pod);
        Assert.True(NamespaceIdentity.TryOf(pod.Path, out var identity));

        var clock = Stopwatch.StartNew();
        Command.Run("ip", "netns", "del", pod.Name);
        node.AwaitPhase(pod, PodPhase.Gone);
        double noticed = clock.Elapsed.TotalMilliseconds;
        node.Drop(pod);
        // A veth pair dies with the namespace that holds one end: nobody keeps it any more.
        Wire.Until(() => !Directory.Exists($"/sys/class/net/v{pod.Name}") && Command.TryRun("ip", "link", "show", $"v{pod.Name}").ExitCode != 0, "the namespace's end");

        TestContext.Current.TestOutputHelper?.WriteLine($"GONE after {noticed:0} ms, namespace {identity.Inode} ended after {clock.Elapsed.TotalMilliseconds:0} ms");
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(1.5), $"took {clock.Elapsed.TotalMilliseconds:0} ms");
        Assert.DoesNotContain(Directory.EnumerateFileSystemEntries($"/proc/{process.Id}/fd").Select(f => new FileInfo(f).LinkTarget),
            target => target == $"net:[{identity.Inode}]");
    }

    [Fact]
    public void A_pod_that_comes_back_under_the_same_UID_is_enrolled_anew()
    {
        using var run = new RedirectorRun();
        using var net = new PodNet();
        var pod = net.Add();
        run.Start();
        using var node = run.Capture(pod);
        Command.Run("ip", "netns", "del", pod.Name);
        node.AwaitPhase(pod, PodPhase.Gone);
        node.Drop(pod);
        Wire.Until(() => Command.TryRun("ip", "link", "show", $"v{pod.Name}").ExitCode != 0, "the namespace's end");

        net.Put(pod);
        node.AwaitListeners(pod);
        node.AwaitPhase(pod, PodPhase.Preparing);
        Assert.False(pod.HasTable);
        node.Ready(pod);
        node.AwaitPhase(pod, PodPhase.Captured);
        Assert.True(pod.HasTable);
    }

    [Fact]
    public void A_pod_that_loses_its_address_has_ended_and_one_that_has_it_back_at_once_has_not()
    {
        using var run = new RedirectorRun();
        using var net = new PodNet();
        var pod = net.Add();
        run.Start();
        using var node = run.Capture(pod);

        Command.Run("ip", "netns", "exec", pod.Name, "sh", "-c",
            $"ip addr del {pod.Address}/24 dev eth0; ip addr del {pod.AddressV6}/64 dev eth0; ip addr add {pod.Address}/24 dev eth0");
        Wire.Pause(800);
        Assert.Null(node.RequestSockets(pod.Uid, 1).Refused);

        var clock = Stopwatch.StartNew();
        Command.Run("ip", "-n", pod.Name, "link", "del", "eth0");
        Assert.Contains("address", node.AwaitPhase(pod, PodPhase.Gone).Reason, StringComparison.Ordinal);
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(1.5), $"took {clock.Elapsed.TotalMilliseconds:0} ms");
        Assert.NotNull(node.RequestSockets(pod.Uid, 1).Refused);
    }
}
