using Ambient.Native.Unix;
using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Redirector.V1;

namespace Ambient.Tests.Mesh.Redirector;

public sealed class RestartTests
{
    [Fact]
    public void A_killed_Redirectors_successor_gets_the_listeners_back_and_no_connect_is_refused_meanwhile()
    {
        using var run = new RedirectorRun();
        using var net = new PodNet();
        var pod = net.Add();
        var first = run.Start();
        var node = run.Capture(pod);
        var held = node.Listeners[pod.Uid];

        run.Kill(first);
        AssertServed();
        run.Start();
        AssertServed();
        using var again = run.Connect();
        again.Listeners[pod.Uid] = held;
        again.Greet(pod.Uid);
        again.AwaitCounter("listeners_taken_back_total", 1);
        Assert.Equal(PodPhase.Captured, again.AwaitPhase(pod, PodPhase.Captured).Phase);
        AssertServed();
        Assert.Null(again.RequestSockets(pod.Uid, 1).Refused);

        // What came back is what the next NodeProxy gets.
        using var next = run.Connect();
        next.Greet();
        next.AwaitListeners(pod);
        using var dialled = Pod.Dial(pod.Address, 8080)!;
        using var accepted = Wire.Accept(next.Listeners[pod.Uid][1]);
        Assert.NotNull(accepted);
        Assert.Equal(0, again.Counters.GetValueOrDefault("listeners_made_total"));

        void AssertServed()
        {
            using var client = Pod.Dial(pod.Address, 8080);
            Assert.NotNull(client);
            using var served = Wire.Accept(held[1]);
            Assert.NotNull(served);
        }
    }

    // A refusal would be told to every connection that waits for a socket, and a NodeProxy asks as soon as it is greeted.
    [Fact]
    public void Sockets_that_are_asked_for_while_the_pods_namespace_is_still_looked_for_come_when_it_is_found()
    {
        using var run = new RedirectorRun();
        using var net = new PodNet();
        var pod = net.Add();
        Command.Run("ip", "netns", "del", pod.Name);
        run.Start();
        using var node = run.Connect();
        node.Greet();
        Assert.True(node.Pass(run.Order(pod.Ordered)).Accepted);
        ulong first = node.AskForSockets(pod.Uid, 2), second = node.AskForSockets(pod.Uid, 3);
        node.AwaitPhase(pod, PodPhase.Failed);   // looked for once at least

        net.Put(pod);

        Assert.Equal(2, node.AwaitSockets(first).Descriptors.Count);
        Assert.Equal(3, node.AwaitSockets(second).Descriptors.Count);
        Assert.Equal(0, node.Counters.GetValueOrDefault("sockets_refused_total"));
    }

    [Fact]
    public void A_search_for_a_namespace_that_is_given_up_refuses_who_waits_for_sockets_and_no_flood_waits_without_end()
    {
        using var run = new RedirectorRun();
        using var net = new PodNet();
        var pod = net.Add();
        Command.Run("ip", "netns", "del", pod.Name);
        run.Start();
        using var node = run.Connect();
        node.Greet();
        Assert.True(node.Pass(run.Order(pod.Ordered)).Accepted);
        ulong[] asked = [.. Enumerable.Range(0, 300).Select(_ => node.AskForSockets(pod.Uid, 1))];
        Assert.Contains("too many", node.AwaitSockets(asked[256]).Refused?.Reason, StringComparison.Ordinal);

        Assert.True(node.Pass(run.Order()).Accepted);

        Assert.Contains("no network namespace", node.AwaitSockets(asked[0]).Refused?.Reason, StringComparison.Ordinal);
        node.AwaitCounter("sockets_refused_total", asked.Length);
    }

    [Fact]
    public void Rules_broken_while_no_Redirector_ran_are_in_force_again_before_any_NodeProxy_speaks()
    {
        using var run = new RedirectorRun();
        using var net = new PodNet();
        var pod = net.Add();
        var first = run.Start();
        using var node = run.Capture(pod);
        Assert.Equal(0, run.Terminate(first));
        Assert.True(pod.HasTable, "SIGTERM leaves the rules");
        pod.Nft("flush", "ruleset");

        run.Start();

        Wire.Until(() => Command.TryRun("ip", "netns", "exec", pod.Name, "nft", "list", "ruleset").Output.Contains("redirect to :15001", StringComparison.Ordinal), "the rules");
    }

    // To say that it has failed would have its peers speak plaintext with it.
    [Fact]
    public void A_captured_pod_whose_rules_a_new_Redirector_cannot_load_again_is_unproved_until_it_can()
    {
        using var run = new RedirectorRun();
        using var net = new PodNet();
        var pod = net.Add();
        var first = run.Start();
        using (run.Capture(pod))
            run.Kill(first);
        Command.Run("ip", "-n", pod.Name, "link", "set", "lo", "down");

        run.Start();
        using var next = run.Connect();
        next.Greet();
        var status = next.AwaitStatus(pod, s => s.Phase is PodPhase.Captured or PodPhase.Unproved or PodPhase.Failed);
        Assert.Equal(PodPhase.Unproved, status.Phase);
        Assert.StartsWith("rules: ", status.Reason, StringComparison.Ordinal);
        Assert.Contains("redirect to :15001", pod.Nft("list", "ruleset"), StringComparison.Ordinal);

        Command.Run("ip", "-n", pod.Name, "link", "set", "lo", "up");
        Assert.Equal(PodPhase.Captured, next.AwaitStatus(pod, s => s.Phase != PodPhase.Unproved).Phase);
    }

    [Fact]
    public void A_withdrawal_that_a_Redirector_did_not_live_to_finish_is_finished_by_its_successor()
    {
        using var run = new RedirectorRun();
        using var net = new PodNet();
        var pod = net.Add();
        var first = run.Start();
        using (var node = run.Capture(pod))
        {
            node.Pass(run.Order());
            node.AwaitPhase(pod, PodPhase.Quiet);
            run.Kill(first);
        }
        Assert.True(pod.HasTable);
        run.Start();
        using var next = run.Connect();
        next.Greet();
        next.AwaitPhase(pod, PodPhase.Quiet);
        next.Drained(pod);
        next.AwaitPhase(pod, PodPhase.Released);
        Assert.False(pod.HasTable);
    }

    // Its key was replaced meanwhile, say, or the file is damaged: nobody has said that the mesh is to let go of the pods.
    [Fact]
    public void Pods_stay_captured_where_the_last_order_cannot_be_taken_up_and_the_next_one_decides()
    {
        using var run = new RedirectorRun();
        using var net = new PodNet();
        Pod stays = net.Add(), goes = net.Add();
        var first = run.Start();
        using (var node = run.Connect())
        {
            node.Greet();
            node.Capture(stays, run.Order(stays.Ordered));
            node.Capture(goes, run.Order(stays.Ordered, goes.Ordered));
            Assert.Equal(0, run.Terminate(first));
        }
        File.WriteAllText(Path.Combine(run.State, "order"), "damaged");
        stays.Nft("flush", "ruleset");

        run.Start();
        Wire.Until(() => stays.HasTable, "the rules");
        using var next = run.Connect();
        next.Greet();
        next.AwaitCounter("pods_captured", 2);
        Wire.Pause(300);   // quiet rules would be in force after some 30
        Assert.Equal(2, next.Counters["pods_captured"]);
        next.Pass(run.Order(stays.Ordered));

        next.AwaitPhase(goes, PodPhase.Quiet);
        Assert.Contains("redirect to :15001", stays.Nft("list", "ruleset"), StringComparison.Ordinal);
    }

    [Fact]
    public void The_version_floor_outlives_a_restart()
    {
        using var run = new RedirectorRun();
        var first = run.Start();
        var old = run.Order();
        using (var node = run.Connect())
        {
            node.Greet();
            Assert.True(node.Pass(run.Order()).Accepted);
        }
        run.Kill(first);
        run.Start();
        using var next = run.Connect();
        Assert.Equal(2ul, next.Greet().Hello.OrderVersion);
        Assert.False(next.Pass(old).Accepted);
    }

    [Fact]
    public void A_second_Redirector_waits_and_takes_over_when_the_first_one_ends()
    {
        using var run = new RedirectorRun();
        using var net = new PodNet();
        var pod = net.Add();
        var first = run.Start();
        var node = run.Capture(pod);
        var second = run.Start();
        run.AwaitLog($"[{second.Id}]");
        run.AwaitLog("waiting until it ends");
        Assert.Null(node.RequestSockets(pod.Uid, 1).Refused);

        Assert.Equal(0, run.Terminate(first));
        var held = node.Listeners[pod.Uid];
        using var again = run.Connect();
        again.Listeners[pod.Uid] = held;
        again.Greet(pod.Uid);
        again.WaitUntil(
            () => again.Counters.GetValueOrDefault("listeners_taken_back_total") + again.Counters.GetValueOrDefault("listeners_inherited_total") == 1,
            "the listeners, from NodeProxy or from the first Redirector");
        Assert.Equal(0, again.Counters.GetValueOrDefault("listeners_refused_total"));
        Assert.Null(again.RequestSockets(pod.Uid, 1).Refused);
        Assert.False(second.HasExited);
    }

    [Fact]
    public void Listeners_and_state_go_from_Redirector_to_Redirector_when_no_NodeProxy_lives()
    {
        using var run = new RedirectorRun();
        using var net = new PodNet();
        var pod = net.Add();
        var first = run.Start();
        using (var node = run.Capture(pod))
        {
            using var memory = SealedMemory.Create("state", [1, 2, 3]);
            node.Send(new ToRedirector { State = new StoreState() }, memory.Number);
            node.AwaitCounter("states_kept_total", 1);
        }
        using var waiting = Pod.Dial(pod.Address, 8080)!; // in the backlog of a listener that only Redirector holds
        run.Start();
        run.AwaitLog("waiting until it ends");
        Wire.Pause(200);

        Assert.Equal(0, run.Terminate(first));
        using var next = run.Connect();
        next.Greet();
        next.AwaitListeners(pod);
        using var accepted = Wire.Accept(next.Listeners[pod.Uid][1]);
        Assert.True(accepted is not null && Wire.Exchange(waiting, accepted), "the connection in the backlog");
        Assert.True(SealedMemory.TryRead(next.HelloDescriptors.Single(), 10, out byte[] state, out _));
        Assert.Equal([1, 2, 3], state);
        next.AwaitCounter("listeners_inherited_total", 1);
    }

    [Fact]
    public void Listeners_that_nobody_holds_any_more_are_made_anew_and_rules_stay_in_force_all_the_time()
    {
        using var run = new RedirectorRun();
        using var net = new PodNet();
        var pod = net.Add();
        var first = run.Start();
        using (var node = run.Capture(pod))
        {
            run.Kill(first);
        }
        run.Start();
        using var next = run.Connect();
        next.Greet();
        next.AwaitListeners(pod);
        next.AwaitPhase(pod, PodPhase.Captured);
        using var dialled = Pod.Dial(pod.Address, 8080)!;
        using var accepted = Wire.Accept(next.Listeners[pod.Uid][1]);
        Assert.NotNull(accepted);
    }

    [Fact]
    public void A_NodeProxy_that_holds_listeners_of_an_earlier_namespace_is_told_to_let_go_and_gets_the_present_ones()
    {
        using var run = new RedirectorRun();
        using var net = new PodNet();
        var pod = net.Add();
        var first = run.Start();
        var node = run.Capture(pod);
        var stale = node.Listeners[pod.Uid];
        run.Kill(first);
        Command.Run("ip", "netns", "exec", pod.Name, "ip", "link", "del", "eth0");
        Command.Run("ip", "netns", "del", pod.Name);
        net.Put(pod);

        run.Start();
        using var again = run.Connect();
        again.Listeners[pod.Uid] = stale;
        again.Greet(pod.Uid);
        again.AwaitPhase(pod, PodPhase.Gone);
        again.Drop(pod);
        again.AwaitListeners(pod);
        Assert.False(pod.HasTable, "captured before NodeProxy was ready");
        again.Ready(pod);
        again.AwaitPhase(pod, PodPhase.Captured);
        using var dialled = Pod.Dial(pod.Address, 8080)!;
        using var accepted = Wire.Accept(again.Listeners[pod.Uid][1]);
        Assert.NotNull(accepted);
    }

    [Fact]
    public void Two_NodeProxies_at_once_each_get_their_own_copies_and_either_may_go()
    {
        using var run = new RedirectorRun();
        using var net = new PodNet();
        var pod = net.Add();
        run.Start();
        using var old = run.Capture(pod);
        using var fresh = run.Connect();
        fresh.Greet();
        fresh.AwaitListeners(pod);
        fresh.AwaitPhase(pod, PodPhase.Captured);
        old.Dispose();

        using var dialled = Pod.Dial(pod.Address, 8080)!;
        using var accepted = Wire.Accept(fresh.Listeners[pod.Uid][1]);
        Assert.NotNull(accepted);
        Assert.Null(fresh.RequestSockets(pod.Uid, 3).Refused);
    }
}
