using System.Net;
using Ambient.Controller.Enrolment;
using Ambient.Controller.Model;
using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Mesh.V1;

namespace Ambient.Tests.Unit.Controller;

/// <summary>What is announced and what is ordered while a pod's excluded ports change, to the tick.</summary>
public sealed class ExclusionLedgerTests
{
    private static readonly DateTimeOffset Start = DateTimeOffset.FromUnixTimeSeconds(1_800_000_000);
    private static readonly TimeSpan Tick = TimeSpan.FromTicks(1);
    private ExclusionLedger _ledger = new(Start);
    private DateTimeOffset _now = Start + TimeSpan.FromMinutes(1);
    private ulong _version;

    [Fact]
    public void A_pod_on_its_way_in_is_announced_and_ordered_with_its_exclusions_at_once()
    {
        Want(9090);
        Assert.Equal("9090 / 9090", State());
        Assert.Null(_ledger.NextDeadline);
        Assert.False(Advance(acked: 0));
    }

    [Fact]
    public void A_port_more_is_ordered_only_when_the_nodes_have_acked_its_announcement()
    {
        Settled();
        Want(22, 9090);
        Assert.Equal("22, 9090 / 22", State());
        Assert.True(_ledger.IsWaitingForAcks);
        Assert.Equal(["u"], _ledger.Records.TakeChanged());

        Assert.False(Advance(acked: ulong.MaxValue)); // not published yet: nothing can be acked
        Announce();
        Assert.False(Advance(acked: _version - 1));
        Assert.Equal("22, 9090 / 22", State());
        Assert.True(Advance(acked: _version));
        Assert.Equal("22, 9090 / 22, 9090", State());
        Assert.Null(_ledger.NextDeadline);
    }

    [Fact]
    public void An_order_waits_for_acks_no_longer_than_two_seconds()
    {
        Settled();
        Want(22, 9090);
        Announce();
        _now += EnrolmentLedger.AckWait - Tick;
        Assert.False(Advance(acked: 0));
        _now += Tick;
        Assert.True(Advance(acked: 0));
        Assert.Equal("22, 9090 / 22, 9090", State());
    }

    [Fact]
    public void An_order_right_after_the_start_waits_until_nodes_had_time_to_come_back()
    {
        _now = Start;
        Settled();
        Want(22, 9090);
        Announce();
        _now = Start + EnrolmentLedger.SettleTime - Tick;
        Assert.False(Advance(acked: ulong.MaxValue));
        _now += Tick;
        Assert.True(Advance(acked: ulong.MaxValue));
    }

    [Fact]
    public void A_port_less_is_announced_until_its_node_says_that_the_rules_capture_it()
    {
        Settled();
        Want();
        Assert.Equal("22 / 22", State());
        Assert.True(Advance(acked: _version)); // nothing new is announced, so there is nothing to wait for
        Assert.Equal("22 / ", State());
        Announce();

        _ledger.Report("u", [22]);
        Advance(acked: _version);
        Assert.Equal("22 / ", State());
        _ledger.Report("u", []);
        Assert.False(Advance(acked: _version));
        Assert.Equal(" / ", State());
        Assert.Equal(["u"], _ledger.Records.TakeChanged());
        Assert.Null(_ledger.NextDeadline);
    }

    [Fact]
    public void A_node_that_never_says_what_its_rules_are_is_waited_for_five_seconds()
    {
        Settled();
        Want();
        Advance(acked: _version);
        _now += ExclusionLedger.RulesWait - Tick;
        Advance(acked: _version);
        Assert.Equal("22 / ", State());
        _now += Tick;
        Advance(acked: _version);
        Assert.Equal(" / ", State());
    }

    [Fact]
    public void A_port_for_another_goes_through_both_steps_and_a_wish_taken_back_meanwhile_costs_nothing()
    {
        Settled();
        Want(9090);
        Assert.Equal("22, 9090 / 22", State());
        Announce();
        Advance(acked: _version);
        Assert.Equal("22, 9090 / 9090", State());

        Want(22, 9090);
        Announce();
        Assert.True(Advance(acked: _version));
        Assert.Equal("22, 9090 / 22, 9090", State());
        Assert.Null(_ledger.NextDeadline);
    }

    [Fact]
    public void A_restarted_controller_goes_on_where_its_predecessor_stopped()
    {
        _ledger = new ExclusionLedger(Start);
        _ledger.Restore([new("u", ([22, 9090], [22]))]);
        Want(9090);
        Assert.Equal("22, 9090 / 22", State());
        Announce();
        Assert.True(Advance(acked: _version));
        _ledger.Report("u", [9090]);
        Advance(acked: _version);
        Assert.Equal("9090 / 9090", State());
    }

    [Fact]
    public void A_pod_that_is_not_in_the_mesh_is_shown_as_its_annotations_say()
    {
        Settled();
        _ledger.Reconcile(Pods(9090), new Dictionary<string, PodEnrolment>(), _now);
        Assert.Equal("9090 / 9090", $"{Assert.Single(_ledger.AnnouncedOf(Pods(9090)["u"]))} / {Assert.Single(_ledger.OrderedOf(Pods(9090)["u"]))}");
        Assert.Empty(_ledger.Pods);
    }

    /// <summary>Announced ports / ordered ports.</summary>
    private string State() => $"{string.Join(", ", _ledger.Pods["u"].Announced)} / {string.Join(", ", _ledger.Pods["u"].Ordered)}";

    private void Settled()
    {
        Want(22);
        Announce();
        _ledger.Records.TakeChanged();
    }

    private void Want(params uint[] ports) => _ledger.Reconcile(Pods(ports), new Dictionary<string, PodEnrolment>
    {
        ["u"] = new("u", "a", EnrolmentState.Enrolled, true, PodPhase.Captured, "", 0, 0, null),
    }, _now);

    private bool Advance(ulong acked) => _ledger.Advance(_now, version => acked >= version).Count > 0;

    private void Announce() => _ledger.Records.MarkAnnounced(++_version);

    private static Dictionary<string, MeshPod> Pods(params uint[] ports) => new()
    {
        ["u"] = new MeshPod("u", "shop", "u", "default", "a", [IPAddress.Loopback], false, true, ProtectionMode.Strict, "", "u", "",
            new CaptureExclusions([.. ports], [], [])),
    };
}
