using System.Net;
using System.Security.Cryptography;
using Ambient.Native.Descriptors;
using Ambient.Native.Unix;
using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Orders;
using Ambient.Protocol.Redirector.V1;
using Google.Protobuf;

namespace Ambient.Tests.Mesh.Redirector;

/// <summary>A NodeProxy that was taken over: it may misroute or refuse its own node's enrolled pods, and nothing more.</summary>
public sealed class LyingNodeTests
{
    [Fact]
    public void Old_repeated_forged_foreign_and_expired_orders_are_refused_and_counted()
    {
        using var run = new RedirectorRun();
        using var net = new PodNet();
        var pod = net.Add();
        using var stranger = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        run.Start();
        using var node = run.Connect();
        node.Greet();
        var old = run.Order(pod.Ordered);
        var present = run.Order();
        Assert.True(node.Pass(present).Accepted);

        AssertRefused("version", old);
        Assert.Equal("it is in force already", node.Pass(present).Reason);
        var equal = run.Unsigned(pod.Ordered);
        equal.Version = 2;
        AssertRefused("version", run.Sign(equal));
        AssertRefused("not signed", new OrderSigner(stranger).Sign(run.Unsigned(pod.Ordered)));
        var changed = run.Order(pod.Ordered);
        changed.Order = ByteString.CopyFrom([.. changed.Order.Span, 0x40, 1]);
        AssertRefused("not signed", changed);
        var foreign = run.Unsigned(pod.Ordered);
        foreign.Node = "node-b";
        AssertRefused("node-b", run.Sign(foreign));
        var rebooted = run.Unsigned(pod.Ordered);
        rebooted.BootId = Guid.NewGuid().ToString();
        AssertRefused("boot", run.Sign(rebooted));
        var expired = run.Unsigned(pod.Ordered);
        expired.ExpiresUnixSeconds = expired.IssuedUnixSeconds - 1;
        AssertRefused("expired", run.Sign(expired));
        AssertRefused("not signed", new SignedOrder());
        node.AwaitCounter("orders_refused_total", 8);
        Assert.Equal(1, node.Counters["orders_accepted_total"]);
        Assert.False(pod.HasTable);

        void AssertRefused(string reason, SignedOrder order)
        {
            var result = node.Pass(order);
            Assert.False(result.Accepted);
            Assert.Contains(reason, result.Reason, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void An_order_in_memory_that_could_change_behind_the_check_is_refused()
    {
        using var run = new RedirectorRun();
        run.Start();
        using var node = run.Connect();
        node.Greet();
        string path = Path.GetTempFileName();
        File.WriteAllBytes(path, run.Order().ToByteArray());
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite);

        node.Send(new ToRedirector { Order = new PassOrder() }, (int)file.DangerousGetHandle());
        var result = node.Await(m => m.Order is not null, "OrderResult").Message.Order;

        Assert.False(result.Accepted);
        Assert.NotEmpty(result.Reason);
        using var huge = SealedMemory.Create("order", new byte[OrderVerifier.MaxLength + 1]);
        node.Send(new ToRedirector { Order = new PassOrder() }, huge.Number);
        Assert.Contains("more than", node.Await(m => m.Order is not null, "OrderResult").Message.Order.Reason, StringComparison.Ordinal);
        File.Delete(path);
    }

    [Fact]
    public void The_hosts_namespace_foreign_namespaces_and_paths_that_lead_astray_are_never_captured_even_if_an_order_names_them()
    {
        using var run = new RedirectorRun();
        using var net = new PodNet();
        var pod = net.Add();
        var other = net.Add();
        File.WriteAllText("/run/netns/ambient-host", "");
        Command.Run("mount", "--bind", "/proc/self/ns/net", "/run/netns/ambient-host");
        File.CreateSymbolicLink("/run/netns/ambient-link", pod.Path);
        File.WriteAllText("/run/netns/ambient-file", "");
        run.Start();
        using var node = run.Connect();
        node.Greet();
        try
        {
            AssertFails("host's", "/run/netns/ambient-host", pod.Address);
            AssertFails("none of the pod's addresses", other.Path, pod.Address);
            AssertFails("/run/netns/ambient-link", "/run/netns/ambient-link", pod.Address);
            AssertFails("no network namespace", "/run/netns/ambient-file", pod.Address);
            AssertFails("below", "/proc/1/ns/net", pod.Address);
            AssertFails("/run/netns", "/run/netns/../../proc/1/ns/net", pod.Address);
            AssertFails("NoEntry", "/run/netns/nobody", pod.Address);
            AssertFails("kube-system", pod.Path, pod.Address, "kube-system");
            Assert.False(pod.HasTable || other.HasTable);
            Assert.DoesNotContain("ambient", Command.Run("nft", "list", "tables"), StringComparison.Ordinal);
        }
        finally
        {
            Command.TryRun("umount", "/run/netns/ambient-host");
            foreach (string left in (string[])["host", "link", "file"])
                File.Delete($"/run/netns/ambient-{left}");
        }

        void AssertFails(string reason, string path, IPAddress address, string @namespace = "shop")
        {
            var ordered = new CapturedPod { Uid = "u" + path + @namespace, Namespace = @namespace, Name = "x", NetnsPath = path, Addresses = { ByteString.CopyFrom(address.GetAddressBytes()) } };
            Assert.True(node.Pass(run.Order(ordered)).Accepted);
            var status = node.Await(m => m.Status?.Uid == ordered.Uid && m.Status.Phase == PodPhase.Failed, $"failure of {path}").Message.Status;
            Assert.Contains(reason, status.Reason, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Descriptors_that_are_not_the_pods_listeners_are_refused_and_counted()
    {
        using var run = new RedirectorRun();
        using var net = new PodNet();
        var pod = net.Add();
        var other = net.Add();
        var first = run.Start();
        using var node = run.Connect();
        node.Greet();
        node.Capture(pod, run.Order(pod.Ordered, other.Ordered));
        node.AwaitListeners(other);
        var mine = node.Listeners[pod.Uid];
        var theirs = node.Listeners[other.Uid];
        using var memory = SealedMemory.Create("x", [1]);
        using var unmarked = pod.Listen(15998);

        // Unasked, and beside a Redirector that has them.
        Return(mine);
        node.AwaitCounter("listeners_refused_total", 1);

        var lies = new (string Name, int[] Given)[]
        {
            ("another pod's", [theirs[0].Number, theirs[1].Number, theirs[2].Number]),
            ("in the wrong order", [mine[1].Number, mine[0].Number, mine[2].Number]),
            ("one three times", [mine[0].Number, mine[0].Number, mine[0].Number]),
            ("no sockets", [memory.Number, memory.Number, memory.Number]),
            ("an app's listener", [(int)unmarked.Handle, mine[1].Number, mine[2].Number]),
            ("too few", [mine[0].Number]),
        };
        run.Kill(first);
        run.Start();
        foreach (var (name, given) in lies)
        {
            using var liar = run.Connect();
            liar.Greet(pod.Uid);
            liar.Await(m => m.GiveBack?.Uid == pod.Uid, $"GiveBack before giving {name}");
            double before = liar.Counters.GetValueOrDefault("listeners_refused_total");
            liar.Send(new ToRedirector { Listeners = new ListenersReturned { Uid = pod.Uid } }, given);
            liar.AwaitCounter("listeners_refused_total", before + 1);
            Assert.Equal(0, liar.Counters.GetValueOrDefault("listeners_taken_back_total"));
        }

        void Return(List<Descriptor> given) =>
            node.Send(new ToRedirector { Listeners = new ListenersReturned { Uid = pod.Uid } }, [.. given.Select(d => d.Number)]);
    }

    [Fact]
    public void Sockets_of_other_namespaces_too_many_at_once_and_floods_are_refused_and_counted_while_mending_goes_on()
    {
        using var run = new RedirectorRun();
        using var net = new PodNet();
        var pod = net.Add();
        run.Start();
        using var node = run.Capture(pod);

        Assert.NotNull(node.RequestSockets("uid-of-nobody", 1).Refused);
        Assert.NotNull(node.RequestSockets("/proc/1/ns/net", 1).Refused);
        Assert.NotNull(node.RequestSockets(pod.Uid, 0).Refused);
        Assert.NotNull(node.RequestSockets(pod.Uid, 65).Refused);
        Assert.NotNull(node.RequestSockets(pod.Uid, uint.MaxValue).Refused);

        using var flooder = run.Connect();
        flooder.Greet();
        bool isStopped = false;
        var flood = new Thread(() =>
        {
            byte[] request = new ToRedirector { Sockets = new SocketRequest { Uid = pod.Uid, Count = 64 } }.ToByteArray();
            while (!Volatile.Read(ref isStopped) && flooder.TrySendBytes(request))
            {
            }
        });
        flood.Start();
        pod.Nft("flush", "ruleset");
        var mended = node.Await(m => m.Mended?.Uid == pod.Uid, "mending during the flood").Message.Mended;
        TestContext.Current.TestOutputHelper?.WriteLine($"mended during a flood in {mended.Milliseconds:0.0} ms");
        Wire.Until(() => !flood.IsAlive, "the flooder is dropped: it does not read what it asked for");
        node.AwaitCounter("sockets_refused_total", 5);
        node.WaitUntil(() => node.Counters.GetValueOrDefault("nodes_connected") == 1, "only the honest one is left");
        Assert.Null(node.RequestSockets(pod.Uid, 1).Refused);
        Volatile.Write(ref isStopped, true);
        flood.Join();
    }

    [Fact]
    public void Packets_that_are_no_messages_too_long_unknown_or_with_wrong_descriptors_are_refused_and_counted()
    {
        using var run = new RedirectorRun();
        using var net = new PodNet();
        var pod = net.Add();
        run.Start();
        using var node = run.Connect();
        node.IgnoresOtherSessions = true;
        using var memory = SealedMemory.Create("x", [1]);
        node.Ready(pod);
        node.Send(new ToRedirector { Hello = new NodeHello { ProtocolVersion = 7, Session = ByteString.CopyFrom(new byte[16]) } });
        node.Send(new ToRedirector { Hello = new NodeHello { ProtocolVersion = 1, Session = ByteString.CopyFrom(new byte[15]) } });
        node.Greet();
        node.SendBytes([0xff, 0xff, 0xff]);
        node.SendBytes(new byte[40_000]);
        node.SendBytes([0xa2, 0x06, 0x00]); // field 100
        node.Send(new ToRedirector { Order = new PassOrder() });
        node.Send(new ToRedirector { Order = new PassOrder() }, memory.Number, memory.Number);
        node.Send(new ToRedirector { Ready = new ReadyReport { Uid = pod.Uid } }, Enumerable.Repeat(memory.Number, SeqPacketSocket.MaxDescriptors).ToArray());
        node.AwaitCounter("packets_refused_total", 9);
        node.Ready(pod);
        node.Drained(pod);
        node.AwaitCounter("reports_refused_total", 2);
        Assert.True(node.Pass(run.Order(pod.Ordered)).Accepted, "an honest word afterwards is heard");
    }

    [Fact]
    public void Reports_never_end_capture()
    {
        using var run = new RedirectorRun();
        using var net = new PodNet();
        var pod = net.Add();
        run.Start();
        using (var node = run.Connect())
        {
            node.Greet();
            node.Capture(pod, run.Order(pod.Ordered));
            node.Ready(pod, ready: false, "I would like out");
            node.Drained(pod);
            node.AwaitCounter("reports_refused_total", 1);
            Assert.Contains("redirect", pod.Nft("list", "ruleset"), StringComparison.Ordinal);
        }
        run.AwaitLog("NodeProxy left");
        Assert.Contains("redirect", pod.Nft("list", "ruleset"), StringComparison.Ordinal);
    }

    [Fact]
    public void State_that_is_not_sealed_is_refused_and_sealed_state_goes_to_the_next_NodeProxy_unread()
    {
        using var run = new RedirectorRun();
        run.Start();
        byte[] secret = RandomNumberGenerator.GetBytes(100_000);
        using (var node = run.Connect())
        {
            Assert.False(node.Greet().Hello.HasState);
            using (var file = File.OpenHandle(Path.GetTempFileName(), FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, FileOptions.DeleteOnClose))
                node.Send(new ToRedirector { State = new StoreState() }, (int)file.DangerousGetHandle());
            node.AwaitCounter("states_refused_total", 1);
            using var memory = SealedMemory.Create("state", secret);
            node.Send(new ToRedirector { State = new StoreState() }, memory.Number);
            node.AwaitCounter("states_kept_total", 1);
        }
        using var next = run.Connect();
        next.Greet();
        var state = next.HelloDescriptors.Single();
        Assert.True(SealedMemory.TryRead(state, 200_000, out byte[] kept, out string reason), reason);
        Assert.Equal(secret, kept);
    }
}
