using System.Net;
using System.Net.Sockets;
using Ambient.Native.Sockets;
using Ambient.NodeProxy.Capture;
using Ambient.NodeProxy.Engine;
using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Redirector.V1;
using Google.Protobuf;
using static Ambient.Protocol.Redirector.V1.ToRedirector;

namespace Ambient.Tests.Unit.Capture;

public sealed class CaptureCoordinatorTests
{
    private const string Pod = "uid-web";

    [Fact]
    public async Task A_pod_is_said_to_be_ready_only_when_its_view_and_certificate_are_here_and_its_listeners_are_on_a_loop()
    {
        await using var world = new CaptureWorld();
        world.Missing[Pod] = "no certificate yet";
        using var redirector = world.NewRedirector();
        await redirector.Greet();
        var addresses = redirector.GiveListeners(Pod);

        var waiting = (await redirector.Next(BodyOneofCase.Ready)).Message.Ready;
        Assert.Equal((false, "no certificate yet"), (waiting.Ready, waiting.Reason));
        using var early = new TcpClient();
        await early.ConnectAsync(addresses[0]);
        await Task.Delay(100);
        Assert.Empty(world.Events);

        world.Missing.TryRemove(Pod, out _);
        world.Coordinator.Review();
        Assert.True((await redirector.Next(BodyOneofCase.Ready)).Message.Ready.Ready);
        await world.Until(() => world.Events.Contains(("outbound", Pod)), "the connection that waited");
        foreach (var (address, kind) in addresses.Zip(["outbound", "inbound", "tunnel"]))
        {
            using var client = new TcpClient();
            await client.ConnectAsync(address);
            await world.Until(() => world.Events.Contains((kind, Pod)), kind);
        }
    }

    [Fact]
    public async Task Connections_of_the_canary_are_answered_with_their_destination_and_its_result_becomes_the_nodes_health()
    {
        await using var world = new CaptureWorld();
        using var redirector = world.NewRedirector();
        Assert.Empty((await redirector.Greet()).PodsHeld);
        var address = redirector.GiveListeners(Canary.Uid)[0];

        using var client = new TcpClient();
        await client.ConnectAsync(address);
        using var answer = new StreamReader(client.GetStream());
        // Nothing redirects here: it wanted to go where it is, or the kernel knows of no other destination.
        Assert.Contains(await answer.ReadLineAsync(), (string?[])[address.ToString(), null]);
        Assert.Empty(world.Events);

        redirector.Say(new ToNode { Canary = new CanaryResult { Reason = "ServiceAddressHidden", Detail = "why" } });
        await world.Until(() => world.Reports.TryTake(out var report) && report.Health is { Ok: false, Reason: "ServiceAddressHidden", Detail: "why" }, "the health");
        redirector.Say(new ToNode { Status = new PodStatus { Uid = Canary.Uid, Phase = PodPhase.Captured } });
        redirector.Say(new ToNode { Canary = new CanaryResult { Ok = true } });
        NodeReport? last = null;
        await world.Until(() => world.Reports.TryTake(out last), "the next report");
        Assert.True(last!.Health.Ok);   // and no word of a pod that the cluster does not have
        await world.Coordinator.StopAcceptingAsync();
    }

    [Fact]
    public async Task A_pods_first_sockets_are_asked_for_before_anybody_needs_one()
    {
        await using var world = new CaptureWorld();
        using var redirector = world.NewRedirector();
        await redirector.Greet();
        redirector.GiveListeners(Pod);

        var request = (await redirector.Next(BodyOneofCase.Sockets)).Message.Sockets;

        Assert.Equal((Pod, 12u), (request.Uid, request.Count));
        Assert.True(await redirector.IsSilentAbout(BodyOneofCase.Sockets, 50), "only at home");
    }

    [Fact]
    public async Task The_addresses_of_a_pods_network_namespace_come_with_its_listeners_and_those_told_later_take_their_place()
    {
        await using var world = new CaptureWorld();
        using var redirector = world.NewRedirector();
        await redirector.Greet();
        Tell("uid-of-nobody", "10.244.1.9");   // its listeners are not here, and it is passed over
        redirector.GiveListeners(Pod, [IPAddress.Parse("10.244.1.2"), IPAddress.Parse("fd77::2")]);
        for (int i = 0; i < 2; i++) await IsToldAsync(i, "10.244.1.2", "fd77::2");

        Tell(Pod, "10.244.1.2", "::ffff:198.51.100.2");
        for (int i = 0; i < 2; i++) await IsToldAsync(i, "10.244.1.2", "198.51.100.2");   // an IPv4 address in another form is that address

        async Task IsToldAsync(int loop, params string[] wanted) => await world.Until(
            () => world.OnLoop(loop, () => world.Pods[loop].TryFind(Pod, out var pod) ? [.. pod.Addresses.Select(a => a.ToString())] : Array.Empty<string>()).Result.SequenceEqual(wanted),
            string.Join(' ', wanted));

        void Tell(string uid, params string[] addresses) =>
            redirector.Say(new ToNode { Addresses = new PodAddresses { Uid = uid, Addresses = { addresses.Select(a => ByteString.CopyFrom(IPAddress.Parse(a).GetAddressBytes())) } } });
    }

    [Fact]
    public async Task Sockets_are_asked_for_and_given_to_those_who_wait_in_order()
    {
        await using var world = new CaptureWorld();
        using var redirector = world.NewRedirector();
        await redirector.Greet();
        redirector.GiveListeners(Pod);
        var request = (await redirector.Next(BodyOneofCase.Sockets)).Message.Sockets;
        await redirector.Next(BodyOneofCase.Ready);
        var first = new Taker();
        var second = new Taker();
        await world.OnLoop(0, () =>
        {
            world.Pods[0].TryFind(Pod, out var pod);
            pod!.Sockets.Take(first);
            pod.Sockets.Take(second);
            return true;
        });
        Assert.Equal(Pod, request.Uid);
        Assert.InRange(request.Count, 2u, 64u);
        using var socket = new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp);
        redirector.Say(new ToNode { Sockets = new Ambient.Protocol.Redirector.V1.Sockets { RequestId = request.RequestId, Uid = Pod } }, [(int)socket.SafeHandle.DangerousGetHandle()]);
        await world.Until(() => first.Fd is not null, "the first socket");
        Assert.Null(second.Fd);
    }

    [Fact]
    public async Task A_refused_request_fails_those_who_wait_with_the_reason()
    {
        await using var world = new CaptureWorld();
        using var redirector = world.NewRedirector();
        await redirector.Greet();
        redirector.GiveListeners(Pod);
        var request = (await redirector.Next(BodyOneofCase.Sockets)).Message.Sockets;
        await redirector.Next(BodyOneofCase.Ready);
        var taker = new Taker();
        await world.OnLoop(0, () =>
        {
            world.Pods[0].TryFind(Pod, out var pod);
            pod!.Sockets.Take(taker);
            return true;
        });
        redirector.Say(new ToNode { Refused = new SocketsRefused { RequestId = request.RequestId, Uid = Pod, Reason = "not in the order" } });
        await world.Until(() => taker.Refusal == "not in the order", "the refusal");
    }

    [Fact]
    public async Task A_new_Redirector_gets_the_listeners_back_the_last_order_and_the_state()
    {
        await using var world = new CaptureWorld();
        using (var old = world.NewRedirector())
        {
            await old.Greet();
            old.GiveListeners(Pod);
            await old.Next(BodyOneofCase.Ready);
            world.Coordinator.Carry(new SignedOrder { Order = Google.Protobuf.ByteString.CopyFromUtf8("order") });
            world.Coordinator.KeepState([1, 2, 3]);
            await old.Next(BodyOneofCase.State);
        }

        using var next = world.NewRedirector();
        var hello = await next.Greet();
        Assert.Equal([Pod], hello.PodsHeld);
        var (_, order) = await next.Next(BodyOneofCase.Order);
        Assert.Single(order).Dispose();
        var (_, state) = await next.Next(BodyOneofCase.State);
        Assert.Single(state).Dispose();
        next.Say(new ToNode { GiveBack = new GiveBack { Uid = Pod } });
        var (returned, listeners) = await next.Next(BodyOneofCase.Listeners);
        Assert.Equal((Pod, 3), (returned.Listeners.Uid, listeners.Count));
        listeners.ForEach(l => l.Dispose());
    }

    [Fact]
    public async Task A_successor_takes_the_state_that_Redirector_held()
    {
        await using var world = new CaptureWorld();
        using var redirector = world.NewRedirector();
        await redirector.Greet(state: [9, 8, 7]);
        await world.Until(() => world.Restored is not null, "the state");
        Assert.Equal([9, 8, 7], world.Restored!);
    }

    [Fact]
    public async Task A_quiet_pod_is_drained_when_its_last_connection_has_ended()
    {
        await using var world = new CaptureWorld();
        using var redirector = world.NewRedirector();
        await redirector.Greet();
        redirector.GiveListeners(Pod);
        await redirector.Next(BodyOneofCase.Ready);
        var user = new User();
        await world.OnLoop(1, () =>
        {
            world.Pods[1].TryFind(Pod, out var pod);
            pod!.Add(user, PodUse.Open);
            return true;
        });
        redirector.Say(new ToNode { Status = new PodStatus { Uid = Pod, Phase = PodPhase.Quiet } });
        Assert.True(await redirector.IsSilentAbout(BodyOneofCase.Drained, 500));
        Assert.Contains(("draining", Pod), world.Events);
        await world.OnLoop(1, () =>
        {
            world.Pods[1].TryFind(Pod, out var pod);
            pod!.Remove(user);
            return true;
        });
        Assert.Equal(Pod, (await redirector.Next(BodyOneofCase.Drained)).Message.Drained.Uid);
        Assert.Null(user.CutFor);
    }

    [Fact]
    public async Task A_quiet_pod_whose_connections_do_not_end_is_cut_at_the_deadline()
    {
        await using var world = new CaptureWorld();
        using var redirector = world.NewRedirector();
        await redirector.Greet();
        redirector.GiveListeners(Pod);
        await redirector.Next(BodyOneofCase.Ready);
        var user = new User();
        await world.OnLoop(0, () =>
        {
            world.Pods[0].TryFind(Pod, out var pod);
            pod!.Add(user, PodUse.Open);
            return true;
        });
        redirector.Say(new ToNode { Status = new PodStatus { Uid = Pod, Phase = PodPhase.Quiet } });
        await world.Until(() => user.CutFor is not null, "the cut");
    }

    [Fact]
    public async Task A_pod_that_is_gone_leaves_no_listener_no_socket_and_no_connection()
    {
        await using var world = new CaptureWorld();
        using var redirector = world.NewRedirector();
        await redirector.Greet();
        var addresses = redirector.GiveListeners(Pod);
        await redirector.Next(BodyOneofCase.Ready);
        var user = new User();
        await world.OnLoop(0, () =>
        {
            world.Pods[0].TryFind(Pod, out var pod);
            pod!.Add(user, PodUse.Open);
            return true;
        });
        redirector.Say(new ToNode { Status = new PodStatus { Uid = Pod, Phase = PodPhase.Gone } });
        await world.Until(() => world.Events.Count(e => e == ("ended", Pod)) == 2, "the end on both loops");
        Assert.NotNull(user.CutFor);
        foreach (var address in addresses)
        {
            using var client = new TcpClient();
            await Assert.ThrowsAsync<SocketException>(() => client.ConnectAsync(address));
        }
    }

    [Fact]
    public async Task A_pod_that_is_wanted_again_while_it_leaves_is_said_to_be_ready_anew()
    {
        await using var world = new CaptureWorld();
        using var redirector = world.NewRedirector();
        await redirector.Greet();
        redirector.GiveListeners(Pod);
        Assert.True((await redirector.Next(BodyOneofCase.Ready)).Message.Ready.Ready);
        redirector.Say(new ToNode { Status = new PodStatus { Uid = Pod, Phase = PodPhase.Quiet } });
        redirector.Say(new ToNode { Status = new PodStatus { Uid = Pod, Phase = PodPhase.Preparing } });
        Assert.True((await redirector.Next(BodyOneofCase.Ready)).Message.Ready.Ready);
    }

    [Fact]
    public async Task A_Redirector_replaced_behind_an_inherited_pair_is_greeted_again()
    {
        await using var world = new CaptureWorld();
        using var redirector = world.NewRedirector();
        var first = await redirector.Greet();
        redirector.SayNobody();
        var second = await redirector.Greet();
        Assert.NotEqual(first.Session, second.Session);
        redirector.GiveListeners(Pod);
        await redirector.Next(BodyOneofCase.Ready);
    }

    [Fact]
    public async Task A_Redirector_of_another_version_is_not_taken_for_one_that_answers_and_its_successor_is()
    {
        await using var world = new CaptureWorld();
        using (var other = world.NewRedirector())
        {
            await other.Greet(version: 2);
            other.GiveListeners(Pod);
            Assert.True(await other.IsSilentAbout(BodyOneofCase.Ready, 300));
            Assert.False(world.Coordinator.IsRedirectorConnected);
        }

        using var redirector = world.NewRedirector();
        await redirector.Greet();
        redirector.GiveListeners(Pod);
        await redirector.Next(BodyOneofCase.Ready);
        Assert.True(world.Coordinator.IsRedirectorConnected);
    }

    [Fact]
    public async Task Messages_of_another_session_are_dropped_and_their_descriptors_closed()
    {
        await using var world = new CaptureWorld();
        using var redirector = world.NewRedirector();
        redirector.GiveListeners("uid-old"); // to a predecessor, over the same inherited pair
        await redirector.Greet();
        redirector.GiveListeners(Pod);
        Assert.Equal(Pod, (await redirector.Next(BodyOneofCase.Ready)).Message.Ready.Uid);
        Assert.False(await world.OnLoop(0, () => world.Pods[0].TryFind("uid-old", out _)));
    }

    private sealed class Taker : ISocketTaker
    {
        public int? Fd { get; private set; }

        public string? Refusal { get; private set; }

        public void OnSocket(int fd)
        {
            Fd = fd;
            SocketCalls.Close(fd);
        }

        public void OnNoSocket(string reason) => Refusal = reason;
    }

    private sealed class User : IPodUser
    {
        public string? CutFor { get; private set; }

        public int Descriptors => 2;

        public void Cut(string reason) => CutFor = reason;
    }
}
