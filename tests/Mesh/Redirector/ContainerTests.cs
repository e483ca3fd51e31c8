using System.Diagnostics;
using Ambient.Cli.Deploy;
using Ambient.Cli.Lab;
using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Redirector.V1;
using Google.Protobuf;

namespace Ambient.Tests.Mesh.Redirector;

/// <summary>
/// Redirector with what daemonset.yaml gives its container, and no more: the capabilities, no new privileges, a root and settings that
/// cannot be written. The pod is another user's, found by its cgroup, as on a Kubernetes node.
/// </summary>
public sealed class ContainerTests
{
    private const uint NodeUser = 64000;

    private static IReadOnlyList<string> InManifest { get; } = ReadManifest();

    public static TheoryData<string> Capabilities => [.. InManifest.Where(c => c != "CHOWN")];

    [Fact]
    public void With_the_capabilities_of_the_manifest_a_pod_is_captured_and_let_go_of()
    {
        using var run = new RedirectorRun();
        using var net = new PodNet();
        using var pod = new OtherUsersPod(net);
        run.StartConfined(InManifest, nodeUser: 0);
        using var node = run.Connect();
        node.Greet();
        Assert.True(node.Pass(run.Order(pod.Ordered)).Accepted);
        node.WaitUntil(() => node.Listeners.ContainsKey(pod.Uid), "listeners");
        node.Send(new ToRedirector { Ready = new ReadyReport { Uid = pod.Uid, Ready = true } });
        node.Await(m => m.Status?.Uid == pod.Uid && m.Status.Phase == PodPhase.Captured, "capture");
        Assert.True(pod.Inner.HasTable);
        Assert.Equal("1", pod.Inner.Inside(() => File.ReadAllText("/proc/sys/net/ipv4/tcp_fwmark_accept")).Trim());
        using var inbound = Pod.Dial(pod.Inner.Address, 8080)!;
        using var atInbound = Wire.Accept(node.Listeners[pod.Uid][1])!;
        Assert.True(Wire.Exchange(inbound, atInbound));

        Assert.True(node.Pass(run.Order()).Accepted);
        node.Await(m => m.Status?.Uid == pod.Uid && m.Status.Phase == PodPhase.Quiet, "the quiet rules");
        node.Send(new ToRedirector { Drained = new DrainedReport { Uid = pod.Uid } });
        node.Await(m => m.Status?.Uid == pod.Uid && m.Status.Phase == PodPhase.Released, "the release");
        Assert.False(pod.Inner.HasTable);
        Assert.Equal("0", pod.Inner.Inside(() => File.ReadAllText("/proc/sys/net/ipv4/tcp_fwmark_accept")).Trim());
    }

    [Theory]
    [MemberData(nameof(Capabilities))]
    public void Without_any_one_of_them_it_cannot_be_captured(string capability)
    {
        using var run = new RedirectorRun();
        using var net = new PodNet();
        using var pod = new OtherUsersPod(net);
        run.StartConfined(InManifest.Except([capability]), nodeUser: 0);
        using var node = run.Connect();
        node.Greet();
        Assert.True(node.Pass(run.Order(pod.Ordered)).Accepted);
        var reason = node.Await(m => m.Status?.Uid == pod.Uid && m.Status.Phase == PodPhase.Failed, "a failure").Message.Status.Reason;
        TestContext.Current.TestOutputHelper?.WriteLine($"without {capability}: {reason}");
        Assert.Empty(node.Listeners);
    }

    [Fact]
    public void With_CHOWN_the_socket_is_NodeProxys_and_without_it_nobodys()
    {
        using var run = new RedirectorRun();
        run.StartConfined(InManifest, NodeUser);
        Wire.Until(() => File.Exists(run.Socket) && Command.Run("stat", "-c", "%u %a", run.Socket).Trim() == $"{NodeUser} 600", "NodeProxy's socket");

        using var other = new RedirectorRun();
        var process = other.StartConfined(InManifest.Except(["CHOWN"]), NodeUser);
        Assert.True(process.WaitForExit(TimeSpan.FromSeconds(10)));
        Assert.Equal(1, process.ExitCode);
        other.AwaitLog("chown");
    }

    private static IReadOnlyList<string> ReadManifest()
    {
        var text = File.ReadAllText(Path.Combine(Programs.Checkout!, "daemonset.yaml"));
        var set = YamlTree.Read(text).Single(o => (string?)o["kind"] == "DaemonSet" && (string?)o["metadata"]!["name"] == "ambient-redirector");
        var security = set["spec"]!["template"]!["spec"]!["containers"]!.AsArray().Single(c => (string?)c!["name"] == "redirector")!["securityContext"]!;
        return [.. security["capabilities"]!["add"]!.AsArray().Select(c => (string)c!)];
    }

    /// <summary>A pod whose first process is an ordinary user's.</summary>
    private sealed class OtherUsersPod : IDisposable
    {
        private readonly Process _first;
        private readonly string _group;

        public OtherUsersPod(PodNet net)
        {
            Inner = net.Add();
            var group = PodCgroup.Make($"kubepods/pod{Uid}");
            Assert.SkipWhen(group is null, "no cgroup can be made here");
            _group = group;
            _first = Process.Start(new ProcessStartInfo("ip", ["netns", "exec", Inner.Name, "setpriv", "--reuid", "1000", "--regid", "1000", "--clear-groups", "sleep", "1000"]))!;
            File.WriteAllText(Path.Combine(group, "cgroup.procs"), $"{_first.Id}");
        }

        public string Uid { get; } = Guid.NewGuid().ToString();

        public Pod Inner { get; }

        public CapturedPod Ordered => new() { Uid = Uid, Namespace = "shop", Name = "x", Addresses = { ByteString.CopyFrom(Inner.Address.GetAddressBytes()) } };

        public void Dispose()
        {
            if (!_first.HasExited) _first.Kill();
            _first.WaitForExit();
            _first.Dispose();
            Wire.Until(() => PodCgroup.TryRemove(_group), "the cgroup's end");
        }
    }
}
