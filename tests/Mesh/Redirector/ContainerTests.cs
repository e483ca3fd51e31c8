using System.Diagnostics;
using Ambient.Native.Processes;
using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Redirector.V1;
using Google.Protobuf;

namespace Ambient.Tests.Mesh.Redirector;

public sealed class ContainerTests
{
    [Theory]
    [InlineData("")]
    [InlineData("SYS_ADMIN")]
    [InlineData("NET_ADMIN")]
    [InlineData("SYS_PTRACE")]
    [InlineData("CHOWN")]
    public void X(string without)
    {
        using var run = new RedirectorRun();
        using var net = new PodNet();
        var pod = net.Add();
        string uid = Guid.NewGuid().ToString();
        string? group = PodCgroup.Make($"kubepods/pod{uid}");
        Assert.SkipWhen(group is null, "no cgroup can be made here");
        using var first = Process.Start(new ProcessStartInfo("ip", ["netns", "exec", pod.Name, "setpriv", "--reuid", "1000", "--clear-groups", "--regid", "1000", "sleep", "1000"]))!;
        try
        {
            File.WriteAllText(Path.Combine(group, "cgroup.procs"), $"{first.Id}");
            run.StartConfined(Environment.GetEnvironmentVariable("CAPS")!.Split(',').Except([without]), 0);
            using var node = run.Connect();
            node.Greet();
            var ordered = new CapturedPod { Uid = uid, Namespace = "shop", Name = "x", Addresses = { ByteString.CopyFrom(pod.Address.GetAddressBytes()) } };
            Assert.True(node.Pass(run.Order(ordered)).Accepted);
            node.WaitUntil(() => node.Listeners.ContainsKey(uid), "listeners");
            node.Send(new ToRedirector { Ready = new ReadyReport { Uid = uid, Ready = true } });
            node.Await(m => m.Status?.Uid == uid && m.Status.Phase == PodPhase.Captured, "capture");
            Assert.True(pod.HasTable);
        }
        finally
        {
            first.Kill();
            first.WaitForExit();
            Wire.Until(() => PodCgroup.TryRemove(group), "the cgroup's end");
        }
    }
}
