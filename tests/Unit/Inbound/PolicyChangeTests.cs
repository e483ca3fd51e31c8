using System.Net;
using Ambient.NodeProxy.Http2;
using Ambient.NodeProxy.Telemetry;
using Ambient.Protocol.Mesh.V1;
using Ambient.Protocol.Model;
using Ambient.Tests.Unit.Discovery;

namespace Ambient.Tests.Unit.Inbound;

/// <summary>What a view changes about who may reach a pod reaches the streams that are open, and only those it concerns.</summary>
public sealed class PolicyChangeTests
{
    private static readonly AccessRule FromWeb = new() { Identities = ["spiffe://cluster.local/ns/shop/sa/web"] };

    [Fact]
    public async Task A_policy_that_changes_cuts_the_stream_that_it_denies_counts_it_and_says_why()
    {
        await using var world = await InboundWorld.StartAsync();
        await world.PublishAsync(world.Views.Current.Upsert(Policy(FromWeb), Pod("policy/shop/callers")));
        var peer = await world.NeighbourAsync();
        await world.PublishAsync(world.Views.Current.Upsert(Policy(FromWeb with { Ports = [1] })));
        await peer.UntilAsync(() => peer.Resets.ContainsKey(1));
        Assert.Equal(Http2ErrorCode.ConnectError, peer.Resets[1]);
        await world.IsRefusedAsync(RefusalReason.Revoked, "no rule of AccessPolicy shop/callers allows it; it had been allowed before");
        Assert.Equal(1, world.Refused(RefusalReason.Revoked));
        Assert.Equal("401 no rule of AccessPolicy shop/callers allows it", await peer.ConnectAsync(3, world.App));
    }

    [Fact]
    public async Task A_pod_that_is_selected_by_one_more_policy_is_judged_again_although_no_policy_changed()
    {
        await using var world = await InboundWorld.StartAsync();
        await world.PublishAsync(world.Views.Current.Upsert(Policy()));
        var peer = await world.NeighbourAsync();
        await world.PublishAsync(world.Views.Current.Upsert(Pod("policy/shop/callers")));
        await peer.UntilAsync(() => peer.Resets.ContainsKey(1));
    }

    [Fact]
    public async Task A_policy_that_is_named_and_missing_denies_what_is_open_and_what_comes()
    {
        await using var world = await InboundWorld.StartAsync();
        var peer = await world.NeighbourAsync();
        await world.PublishAsync(world.Views.Current.Upsert(Pod("policy/shop/late")));
        await peer.UntilAsync(() => peer.Resets.ContainsKey(1));
        Assert.Equal("401 AccessPolicy shop/late has not arrived: shop/api takes nothing", await peer.ConnectAsync(3, world.App));
    }

    [Fact]
    public async Task Changes_that_allow_it_still_leave_a_stream_alone()
    {
        await using var world = await InboundWorld.StartAsync();
        await world.PublishAsync(world.Views.Current.Upsert(Policy(FromWeb), Pod("policy/shop/callers")));
        var peer = await world.NeighbourAsync();
        await world.PublishAsync(world.Views.Current.Upsert(Policy(new AccessRule { Ports = [1] }, FromWeb)));
        await world.PublishAsync(world.Views.Current.Upsert(MeshWorld.Pod("uid-other", "10.0.0.9")));
        await world.PublishAsync(world.Views.Current.Upsert(Pod()));
        await peer.EchoesAsync(1, "after");
        Assert.Equal(0, world.Refused(RefusalReason.Revoked));
        Assert.Equal(1, await world.SessionsAsync());
    }

    [Fact]
    public async Task A_stream_that_ended_by_itself_is_not_judged_any_more()
    {
        await using var world = await InboundWorld.StartAsync();
        var peer = await world.NeighbourAsync();
        peer.Send(1, [], endStream: true);
        await peer.FlushAsync();
        await world.Loop.Until(() => world.OpenSessions == 0, "the stream has ended");
        await world.PublishAsync(world.Views.Current.Upsert(Pod("policy/shop/late")));
        Assert.Equal(0, world.Refused(RefusalReason.Revoked));
    }

    private static Resource Policy(params AccessRule[] rules) =>
        ResourceWriter.Write(new AccessPolicy { Namespace = "shop", Name = "callers", Rules = [.. rules] });

    private static Resource Pod(params string[] policies) => ResourceWriter.Write(new Workload
    {
        Uid = "uid-api",
        Namespace = "shop",
        Name = "pod-uid-api",
        ServiceAccount = "api",
        Node = "a",
        WorkloadName = "api",
        Addresses = [IPAddress.Loopback],
        Enrolment = Enrolment.Enrolled,
        Policies = [.. policies],
    });
}
