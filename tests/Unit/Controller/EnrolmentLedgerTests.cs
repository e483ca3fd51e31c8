using System.Collections.Immutable;
using System.Net;
using Ambient.Controller.Enrolment;
using Ambient.Controller.Model;
using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Mesh.V1;

namespace Ambient.Tests.Unit.Controller;

/// <summary>The state machine by hand, to the tick: nothing here waits for a clock.</summary>
public sealed class EnrolmentLedgerTests
{
    private static readonly DateTimeOffset Start = DateTimeOffset.FromUnixTimeSeconds(1_800_000_000);
    private static readonly TimeSpan Tick = TimeSpan.FromTicks(1);
    private static readonly TimeSpan Drain = TimeSpan.FromSeconds(30);
    private readonly EnrolmentLedger _ledger = new(Start);
    private DateTimeOffset _now = Start + TimeSpan.FromMinutes(1);
    private ulong _version;

    [Fact]
    public void A_wanted_pod_is_ordered_at_once_and_enrolled_by_its_nodes_word()
    {
        Want(true);
        Assert.Equal((EnrolmentState.Enrolling, true), State());

        Report(PodPhase.Preparing);
        Assert.Equal((EnrolmentState.Enrolling, true), State());
        Report(PodPhase.Captured);
        Assert.Equal((EnrolmentState.Enrolled, true), State());
    }

    [Fact]
    public void Only_the_pods_own_node_has_a_say()
    {
        Want(true);
        Assert.False(_ledger.Report("b", new PodReport { Uid = "u", Phase = PodPhase.Captured }, _now));
        Assert.False(_ledger.Report("a", new PodReport { Uid = "other", Phase = PodPhase.Captured }, _now));
        Assert.Equal(EnrolmentState.Enrolling, _ledger.StateOf("u"));
    }

    [Fact]
    public void A_withdrawal_waits_for_acks_of_the_version_that_announced_it()
    {
        Captured();
        Want(false);
        Assert.Equal((EnrolmentState.Withdrawing, true), State());

        Advance(acked: ulong.MaxValue); // not announced yet: nothing can be acked
        Assert.Equal((EnrolmentState.Withdrawing, true), State());
        Announce();
        Advance(acked: _version - 1);
        Assert.Equal((EnrolmentState.Withdrawing, true), State());
        Advance(acked: _version);
        Assert.Equal((EnrolmentState.Withdrawing, false), State());
    }

    [Fact]
    public void A_withdrawal_waits_for_acks_no_longer_than_two_seconds()
    {
        Captured();
        Want(false);
        Announce();
        _now += EnrolmentLedger.AckWait - Tick;
        Advance(acked: 0);
        Assert.Equal((EnrolmentState.Withdrawing, true), State());
        _now += Tick;
        Advance(acked: 0);
        Assert.Equal((EnrolmentState.Withdrawing, false), State());
    }

    [Fact]
    public void A_withdrawal_right_after_the_start_waits_until_nodes_had_time_to_come_back()
    {
        _now = Start;
        Captured();
        Want(false);
        Announce();
        _now = Start + EnrolmentLedger.SettleTime - Tick;
        Advance(acked: ulong.MaxValue); // nobody is connected, which looks like everybody's ack
        Assert.Equal((EnrolmentState.Withdrawing, true), State());
        _now += Tick;
        Advance(acked: ulong.MaxValue);
        Assert.Equal((EnrolmentState.Withdrawing, false), State());
    }

    [Theory]
    [InlineData(PodPhase.Released)]
    [InlineData(PodPhase.Gone)]
    public void A_withdrawn_pod_is_out_when_its_node_says_that_its_rules_are_gone(PodPhase last)
    {
        Withdrawn();
        Report(PodPhase.Quiet);
        Assert.Equal((EnrolmentState.Withdrawing, false), State());
        Report(last);
        Assert.Null(State());
    }

    [Fact]
    public void A_withdrawn_pod_of_which_a_connected_node_never_speaks_again_is_out_after_its_time()
    {
        Withdrawn();
        _now += Drain + EnrolmentLedger.ReleaseGrace - Tick;
        Advance(acked: 0);
        Assert.Equal((EnrolmentState.Withdrawing, false), State());
        _now += Tick;
        Advance(acked: 0, connected: false); // it has not heard of the withdrawal, maybe
        Assert.Equal((EnrolmentState.Withdrawing, false), State());
        _now += EnrolmentLedger.ReleaseGrace;
        Advance(acked: 0);
        Assert.Null(State());
    }

    [Fact]
    public void A_pod_wanted_again_before_its_order_changed_is_what_it_was()
    {
        Captured();
        Want(false);
        Want(true);
        Assert.Equal((EnrolmentState.Enrolled, true), State());

        _ledger.Reconcile(Pods(false, "v", "u"), _now); // "v" was never wanted
        Assert.Equal(EnrolmentState.None, _ledger.StateOf("v"));
    }

    [Fact]
    public void A_pod_on_its_way_in_that_is_wanted_again_is_on_its_way_in()
    {
        Want(true);
        Want(false);
        Want(true);
        Assert.Equal((EnrolmentState.Enrolling, true), State());
    }

    [Fact]
    public void A_pod_wanted_again_after_its_order_changed_must_be_captured_anew()
    {
        Withdrawn();
        Want(true);
        Assert.Equal((EnrolmentState.Enrolling, true), State());
        Report(PodPhase.Released); // the end of the withdrawal that was overtaken
        Assert.Equal((EnrolmentState.Enrolling, true), State());
        Report(PodPhase.Captured);
        Assert.Equal((EnrolmentState.Enrolled, true), State());
    }

    [Theory]
    [InlineData(PodPhase.Preparing)]
    [InlineData(PodPhase.Failed)]
    public void An_enrolled_pod_that_is_not_captured_for_five_seconds_is_announced_so_and_not_before(PodPhase phase)
    {
        Captured();
        Report(phase);
        _now += EnrolmentLedger.RegressionGrace - Tick;
        Report(phase); // saying it again buys no time
        Advance(acked: 0);
        Assert.Equal((EnrolmentState.Enrolled, true), State());
        _now += Tick;
        Advance(acked: 0);
        Assert.Equal((EnrolmentState.Enrolling, true), State());
    }

    [Fact]
    public void An_enrolled_pod_that_somebody_broke_stays_enrolled_for_as_long_as_it_cannot_be_mended()
    {
        Captured();
        Report(PodPhase.Preparing); // whatever is owed from before
        Report(PodPhase.Unproved);
        _now += TimeSpan.FromDays(1);
        Advance(acked: 0);
        Assert.Equal((EnrolmentState.Enrolled, true), State());
        Report(PodPhase.Captured);
        Assert.Equal((EnrolmentState.Enrolled, true), State());
    }

    [Fact]
    public void A_pod_that_was_never_reported_captured_is_not_enrolled_by_being_broken()
    {
        Want(true);
        Report(PodPhase.Unproved);
        Assert.Equal((EnrolmentState.Enrolling, true), State());
    }

    [Fact]
    public void An_enrolled_pod_whose_redirector_starts_again_stays_enrolled()
    {
        Captured();
        Report(PodPhase.Preparing);
        _now += TimeSpan.FromSeconds(1);
        Report(PodPhase.Captured);
        _now += TimeSpan.FromMinutes(1);
        Advance(acked: 0);
        Assert.Equal((EnrolmentState.Enrolled, true), State());
    }

    [Theory]
    [InlineData(PodPhase.Quiet)]
    [InlineData(PodPhase.Released)]
    [InlineData(PodPhase.Gone)]
    public void An_enrolled_pod_that_takes_no_tunnels_any_more_is_announced_so_at_once(PodPhase phase)
    {
        Captured();
        Report(phase);
        Assert.Equal((EnrolmentState.Enrolling, true), State());
    }

    [Fact]
    public void A_new_kernel_on_the_node_means_that_nothing_is_captured()
    {
        Captured();
        _ledger.NodeRestarted("a");
        Assert.Equal((EnrolmentState.Enrolling, true), State());

        Want(false);
        _ledger.NodeRestarted("a");
        Assert.Null(State());
    }

    [Fact]
    public void A_pod_that_moves_to_another_node_begins_anew()
    {
        Captured();
        _ledger.Reconcile(Pods(true, "u").ToDictionary(p => p.Key, p => p.Value with { Node = "b" }), _now);
        Assert.Equal(("b", EnrolmentState.Enrolling), (_ledger.Pods["u"].Node, _ledger.StateOf("u")));
    }

    [Fact]
    public void What_was_written_down_is_in_force_after_a_restart_and_silence_changes_nothing()
    {
        Captured();
        var successor = new EnrolmentLedger(_now);
        successor.Restore(_ledger.Pods.Values);
        successor.Reconcile(Pods(true, "u"), _now);
        successor.Advance(_now + TimeSpan.FromDays(1), Drain, _ => true, _ => true);
        Assert.Equal(EnrolmentState.Enrolled, successor.StateOf("u"));
        Assert.Null(successor.NextDeadline);
        Assert.Empty(successor.Records.TakeChanged());
    }

    [Fact]
    public void A_withdrawal_goes_on_after_a_restart()
    {
        Captured();
        Want(false);
        var successor = new EnrolmentLedger(_now);
        successor.Restore(_ledger.Pods.Values);
        successor.Reconcile(Pods(false, "u"), _now);
        successor.Records.MarkAnnounced(1);
        successor.Advance(_now + EnrolmentLedger.SettleTime, Drain, _ => false, _ => true);
        Assert.Equal((EnrolmentState.Withdrawing, false), (successor.StateOf("u"), successor.Pods["u"].IsOrdered));
    }

    [Fact]
    public void No_order_of_events_leaves_a_pod_that_is_both_unwanted_and_ordered_for_ever_or_a_deadline_in_the_past()
    {
        for (var seed = 0; seed < 300; seed++)
        {
            var random = new Random(seed);
            var ledger = new EnrolmentLedger(Start);
            var now = Start;
            var version = 0ul;
            for (var step = 0; step < 100; step++)
            {
                now += TimeSpan.FromMilliseconds(random.Next(4000));
                switch (random.Next(5))
                {
                    case 0: ledger.Reconcile(Pods(random.Next(2) == 0, "u"), now); break;
                    case 1: ledger.Report("a", new PodReport { Uid = "u", Phase = (PodPhase)random.Next(8) }, now); break;
                    case 2: ledger.NodeRestarted("a"); break;
                    case 3: ledger.Reconcile(Pods(true), now); break;
                    default: ledger.Records.MarkAnnounced(++version); break;
                }
                ledger.Advance(now, Drain, v => random.Next(2) == 0, _ => true);
                Assert.True(ledger.NextDeadline is not { } due || due > now, $"seed {seed} step {step}");
            }
            ledger.Reconcile(Pods(false, "u"), now);
            for (var i = 0; i < 3; i++)
                ledger.Advance(now += TimeSpan.FromMinutes(2), Drain, _ => false, _ => true);
            Assert.Equal(EnrolmentState.None, ledger.StateOf("u"));
        }
    }

    private (EnrolmentState, bool)? State() => _ledger.Pods.TryGetValue("u", out var pod) ? (pod.State, pod.IsOrdered) : null;

    private void Want(bool wanted) => _ledger.Reconcile(Pods(wanted, "u"), _now);

    private void Report(PodPhase phase) => Assert.True(_ledger.Report("a", new PodReport { Uid = "u", Phase = phase }, _now));

    private void Announce() => _ledger.Records.MarkAnnounced(++_version);

    private void Advance(ulong acked, bool connected = true) => _ledger.Advance(_now, Drain, version => acked >= version, _ => connected);

    private void Captured()
    {
        Want(true);
        Report(PodPhase.Captured);
        Announce();
    }

    private void Withdrawn()
    {
        Captured();
        Want(false);
        Announce();
        Advance(acked: _version);
    }

    private static Dictionary<string, MeshPod> Pods(bool wanted, params string[] uids) => uids.ToDictionary(uid => uid, uid =>
        new MeshPod(uid, "shop", uid, "default", "a", [IPAddress.Loopback], false, wanted, ProtectionMode.Strict, "", uid, "", new CaptureExclusions([], [], [])));
}
