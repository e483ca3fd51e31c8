using System.Collections.Immutable;
using System.Net;
using Ambient.Controller.Enrolment;
using Ambient.Controller.Kubernetes.Writing;
using Ambient.Controller.Model;
using Ambient.Controller.Replicas;
using Ambient.Controller.Streams;
using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Mesh.V1;

namespace Ambient.Tests.Unit.Controller;

/// <summary>What the cluster is told of what nodes say: Events, the start-up taint, and the word on routes.</summary>
public sealed class MeshNewsTests
{
    private static readonly NodeHealth Well = new() { Ok = true }, Hidden = new() { Reason = "ServiceAddressHidden", Detail = "d" },
        NotLookedAt = new() { Ok = true, Reason = "NotLookedAt", Detail = "no service address is known" };

    [Theory]
    [InlineData(PodPhase.Failed, EnrolmentState.Enrolling, "EnrolmentFailed")]
    [InlineData(PodPhase.Failed, EnrolmentState.Enrolled, "CaptureLost")]
    [InlineData(PodPhase.Unproved, EnrolmentState.Enrolled, "CaptureLost")]
    [InlineData(PodPhase.Unproved, EnrolmentState.Enrolling, "EnrolmentFailed")]
    [InlineData(PodPhase.Captured, EnrolmentState.Enrolled, null)]
    [InlineData(PodPhase.Preparing, EnrolmentState.Enrolled, null)]
    [InlineData(PodPhase.Gone, EnrolmentState.Enrolling, null)]
    public void A_pod_that_should_be_captured_and_is_not_is_told_of_and_so_is_its_namespace(PodPhase phase, EnrolmentState state, string? word)
    {
        var told = MeshNews.TroublesOf(With([Pod("web")], [Enrolment("web", state, phase)]), []);
        Assert.Equal(word is null ? [] : [("Namespace", word), ("Pod", word)], told.Select(t => (t.Subject.Kind, t.Word)));
        Assert.All(told, t => Assert.Contains("nft: Operation not permitted", t.Note, StringComparison.Ordinal));
    }

    [Fact]
    public void A_pod_that_is_not_wanted_ends_or_is_unknown_is_nobodys_trouble() => Assert.Empty(MeshNews.TroublesOf(
        With([Pod("out", wants: false), Pod("ending") with { IsTerminating = true }],
            [Enrolment("out", EnrolmentState.Withdrawing, PodPhase.Failed), Enrolment("ending", EnrolmentState.Enrolled, PodPhase.Failed), Enrolment("unknown", EnrolmentState.Enrolled, PodPhase.Failed)]), []));

    [Fact]
    public void A_ConfigMap_in_the_way_of_the_mesh_s_is_told_first()
    {
        var told = MeshNews.TroublesOf(With([Pod("web")], [Enrolment("web", EnrolmentState.Enrolling, PodPhase.Failed)]), [new ForeignTrustMap("shop", "u", null)]);
        Assert.Equal(["ConfigMap", "Namespace", "Pod"], told.Select(t => t.Subject.Kind));
    }

    [Fact]
    public void A_node_counts_as_proved_by_its_own_word_or_by_what_another_replica_wrote_and_with_the_boot_that_it_was_proved_in()
    {
        var overview = With([], [], Session("here", Well, "b1"), Session("ill", Hidden, "b1"), Session("silent", null, "b1"), Session("unasked", NotLookedAt, "b1"), Session("bootless", Well, ""));
        var elsewhere = new Dictionary<string, MeshNodeStatus>
        {
            ["there"] = Written("Ready", "b2"), ["away"] = Written("Ready", "b2") with { Connected = false }, ["worse"] = Written("Degraded", "b2"), ["odd"] = Written("Unknown", "b2"),
            ["young"] = Written("Ready", "b2") with { Health = null }, ["nameless"] = Written("Ready", ""),
            // What is written of a node that has its stream here is older than what it says here.
            ["ill"] = Written("Ready", "b1"), ["here"] = Written("Ready", "b0"),
        };
        Assert.Equal([("here", "b1"), ("there", "b2")], MeshNews.HealthyNodesOf(overview, elsewhere).Select(n => (n.Key, n.Value)).Order());
        Assert.Equal([("here", "b1")], MeshNews.HealthyNodesOf(overview, null).Select(n => (n.Key, n.Value)));
    }

    [Fact]
    public void Service_addresses_are_hidden_when_one_node_that_is_there_says_so()
    {
        Assert.False(MeshNews.IsHiddenAnywhere(With([], [], Session("a", Well, "b"), Session("c", null, "b"), Session("d", new NodeHealth { Reason = "CanaryNotServed" }, "b")), null));
        Assert.True(MeshNews.IsHiddenAnywhere(With([], [], Session("a", Well, "b"), Session("ill", Hidden, "b")), null));
        var written = Written("Degraded", "b") with { Health = new MeshNodeHealth("Degraded", "ServiceAddressHidden", "d") };
        Assert.True(MeshNews.IsHiddenAnywhere(With([], []), new Dictionary<string, MeshNodeStatus> { ["there"] = written }));
        Assert.False(MeshNews.IsHiddenAnywhere(With([], []), new Dictionary<string, MeshNodeStatus> { ["there"] = written with { Connected = false } }));
    }

    private static Overview With(MeshPod[] pods, PodEnrolment[] enrolments, params SessionStatus[] sessions)
    {
        var model = new ModelBuilder("cluster.local").Build(new Ambient.Controller.Sources.SourceSnapshot([], [], [], IsStandalone: false));
        return new Overview("e", 1, model with { Pods = pods.ToImmutableDictionary(p => p.Uid) }, enrolments.ToImmutableDictionary(p => p.Uid), [.. sessions], []);
    }

    private static MeshPod Pod(string name, bool wants = true) => new(name, "shop", name, "default", "a", [IPAddress.Parse("10.1.0.1")], HostNetwork: false, wants,
        ProtectionMode.Permissive, "", name, "", new CaptureExclusions([], [], []));

    private static PodEnrolment Enrolment(string uid, EnrolmentState state, PodPhase phase) =>
        new(uid, "a", state, IsOrdered: true, phase, "nft: Operation not permitted", 0, 0, null);

    private static SessionStatus Session(string node, NodeHealth? health, string boot) => new(node, "peer", "test/1", boot, DateTimeOffset.UnixEpoch, 1, 1, null, null, null, health);

    private static MeshNodeStatus Written(string state, string boot) => new() { Connected = true, BootId = boot, Health = new MeshNodeHealth(state, "", "") };
}
