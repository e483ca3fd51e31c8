using System.Diagnostics;
using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Redirector.V1;
using Google.Protobuf;

namespace Ambient.Tests.Mesh.Redirector;

/// <summary>Finding a pod's namespace by its UID, as on a Kubernetes node: real cgroups, real processes, no path in the order.</summary>
public sealed class FindTests
{
    public static TheoryData<string> Forms => ["kubepods/burstable/pod{0}/abc", "kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod{1}.slice/cri-abc.scope",
        "kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/kubelet-kubepods-burstable-pod{1}.slice/cri-containerd-abc.scope"];

    [Theory]
    [MemberData(nameof(Forms))]
    public void A_pod_is_found_by_its_UID_through_its_oldest_process_and_ends_with_it(string form)
    {
        using var run = new RedirectorRun();
        using var net = new PodNet();
        var pod = net.Add();
        string uid = Guid.NewGuid().ToString();
        string? group = PodCgroup.Make(string.Format(System.Globalization.CultureInfo.InvariantCulture, form, uid, uid.Replace('-', '_')));
        Assert.SkipWhen(group is null, "no cgroup can be made here");
        using var first = Sleep("ip", "netns", "exec", pod.Name, "sleep", "1000");
        using var stranger = Sleep("sleep", "1000"); // younger, and in the host's network namespace
        File.WriteAllText(Path.Combine(group, "cgroup.procs"), $"{first.Id}");
        File.WriteAllText(Path.Combine(group, "cgroup.procs"), $"{stranger.Id}");
        try
        {
            run.Start();
            using var node = run.Connect();
            node.Greet();
            var ordered = new CapturedPod { Uid = uid, Namespace = "shop", Name = "x", Addresses = { ByteString.CopyFrom(pod.Address.GetAddressBytes()) } };
            Assert.True(node.Pass(run.Order(ordered)).Accepted);
            node.WaitUntil(() => node.Listeners.ContainsKey(uid), "listeners");
            node.Send(new ToRedirector { Ready = new ReadyReport { Uid = uid, Ready = true } });
            node.Await(m => m.Status?.Uid == uid && m.Status.Phase == PodPhase.Captured, "capture");
            Assert.True(pod.HasTable);
            node.AwaitCounter("pods_captured", 1);

            var clock = Stopwatch.StartNew();
            first.Kill();
            var gone = node.Await(m => m.Status?.Uid == uid && m.Status.Phase == PodPhase.Gone, "the end").Message.Status;
            Assert.Contains("process", gone.Reason, StringComparison.Ordinal);
            Assert.True(clock.ElapsedMilliseconds < 1000, $"{clock.ElapsedMilliseconds} ms");
            // What is left of the cgroup is a process in the host's namespace: never captured.
            node.Await(m => m.Mended is not null || m.Counters is not null, "counters");
            Assert.DoesNotContain("ambient", Command.Run("nft", "list", "tables"), StringComparison.Ordinal);
        }
        finally
        {
            Kill(first);
            Kill(stranger);
            Wire.Until(() => PodCgroup.TryRemove(group), "the cgroup's end");
        }
    }

    [Fact]
    public void A_pod_whose_process_starts_later_is_captured_then()
    {
        using var run = new RedirectorRun();
        using var net = new PodNet();
        var pod = net.Add();
        string uid = Guid.NewGuid().ToString();
        string? group = PodCgroup.Make($"kubepods/pod{uid}");
        Assert.SkipWhen(group is null, "no cgroup can be made here");
        run.Start();
        using var node = run.Connect();
        node.Greet();
        var ordered = new CapturedPod { Uid = uid, Namespace = "shop", Name = "x", Addresses = { ByteString.CopyFrom(pod.Address.GetAddressBytes()) } };
        Assert.True(node.Pass(run.Order(ordered)).Accepted);
        Assert.Contains("no process", node.Await(m => m.Status?.Phase == PodPhase.Failed, "failure").Message.Status.Reason, StringComparison.Ordinal);

        using var first = Sleep("ip", "netns", "exec", pod.Name, "sleep", "1000");
        File.WriteAllText(Path.Combine(group, "cgroup.procs"), $"{first.Id}");
        node.WaitUntil(() => node.Listeners.ContainsKey(uid), "listeners");
        Kill(first);
        Wire.Until(() => PodCgroup.TryRemove(group), "the cgroup's end");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]   // the host's /proc is mounted elsewhere: no descriptor of a process there, its end shows by its path
    public void A_static_pod_is_found_by_its_digest_behind_an_older_process_of_the_runtime_and_ends_with_its_first_process(bool isProcElsewhere)
    {
        using var run = new RedirectorRun();
        using var net = new PodNet();
        var pod = net.Add();
        string digest = Guid.NewGuid().ToString("N"), proc = Path.Combine(run.Folder, "proc");
        string? group = PodCgroup.Make($"kubepods/burstable/pod{digest}/crio-abc");
        Assert.SkipWhen(group is null, "no cgroup can be made here");
        using var conmon = Sleep("sleep", "1000");   // in the host's network namespace, as CRI-O's conmon is
        File.WriteAllText(Path.Combine(group, "cgroup.procs"), $"{conmon.Id}");
        Wire.Pause(30);                              // older by more than a clock tick
        using var first = Sleep("ip", "netns", "exec", pod.Name, "sleep", "1000");
        File.WriteAllText(Path.Combine(group, "cgroup.procs"), $"{first.Id}");
        Directory.CreateDirectory(proc);
        Command.Run("mount", "--bind", "/proc", proc);
        try
        {
            run.Start(isProcElsewhere ? ["--proc", proc] : []);
            using var node = run.Connect();
            node.Greet();
            var ordered = new CapturedPod
            {
                Uid = pod.Uid, RuntimeUid = digest, Namespace = "shop", Name = "x", Addresses = { ByteString.CopyFrom(pod.Address.GetAddressBytes()) },
            };
            node.Capture(pod, run.Order(ordered));
            Assert.True(pod.HasTable);

            var clock = Stopwatch.StartNew();
            Kill(first);
            node.AwaitPhase(pod, PodPhase.Gone);
            Assert.True(clock.ElapsedMilliseconds < 10_000, $"{clock.ElapsedMilliseconds} ms");   // asked: a second
        }
        finally
        {
            Command.Run("umount", "-l", proc);
            Kill(first);
            Kill(conmon);
            Wire.Until(() => PodCgroup.TryRemove(group), "the cgroup's end");
        }
    }

    private static Process Sleep(string program, params string[] arguments) => Process.Start(new ProcessStartInfo(program, arguments))!;

    private static void Kill(Process process)
    {
        if (!process.HasExited)
            process.Kill();
        process.WaitForExit();
    }
}
