using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Mesh.V1;
using Grpc.Core;

namespace Ambient.Tests.Unit.Controller;

public sealed class ViewStreamTests
{
    private const string Cache =
        "{kind: Service, apiVersion: v1, metadata: {name: cache, namespace: shop}, spec: {clusterIP: 10.2.0.9, ports: [{port: 6379}]}}";

    [Fact]
    public async Task A_new_node_is_welcomed_and_gets_the_whole_view()
    {
        await using var rig = await ControllerRig.StartAsync();
        await using var node = await rig.ConnectAsync("a");

        await node.UntilAsync(() => node.View.Count == 5);

        Assert.Equal(1u, node.Welcome.ProtocolVersion);
        Assert.NotEmpty(node.Welcome.TrustBundle);
        Assert.True(node.Deltas[0].Full);
        Assert.Equal(["endpoint/shop/api/10.1.1.1", "service/shop/api", "settings", "workload/uid-api", "workload/uid-web"], node.View.Keys.Order());
        Assert.Equal(8080u, node.View["endpoint/shop/api/10.1.1.1"].Endpoint.Ports[0].Port);
        Assert.Equal("uid-api", node.View["endpoint/shop/api/10.1.1.1"].Endpoint.WorkloadUid);
        Assert.Equal(EnrolmentState.Enrolling, node.StateOf("uid-web"));
    }

    [Fact]
    public async Task A_change_of_a_file_reaches_the_nodes_as_a_delta_within_a_second()
    {
        await using var rig = await ControllerRig.StartAsync();
        await using var node = await rig.ConnectAsync("a");
        await node.SettleAsync();
        var before = node.Deltas.Count;

        // The best of three, so that a machine that is busy otherwise does not count against it.
        var best = TimeSpan.MaxValue;
        for (var port = 6379; port < 6382; port++)
        {
            var start = TimeProvider.System.GetTimestamp();
            rig.Write("more.yaml", Cache.Replace("6379", $"{port}"));
            await node.UntilAsync(() => node.View.GetValueOrDefault("service/shop/cache")?.Service.Ports[0].Port == port);
            best = new[] { best, TimeProvider.System.GetElapsedTime(start) }.Min();
        }

        Assert.True(best < TimeSpan.FromSeconds(1), $"{best}");
        Assert.Equal(before + 3, node.Deltas.Count);
        Assert.False(node.Deltas[^1].Full);
        Assert.Equal("service/shop/cache", Assert.Single(node.Deltas[^1].Upserts).Key);

        File.Delete(Path.Combine(rig.Source, "more.yaml"));
        await node.UntilAsync(() => !node.View.ContainsKey("service/shop/cache"));
        Assert.Equal("service/shop/cache", Assert.Single(node.Deltas[^1].Removals));
    }

    [Fact]
    public async Task A_node_that_comes_back_with_a_version_of_this_epoch_gets_only_what_it_missed()
    {
        await using var rig = await ControllerRig.StartAsync();
        var first = await rig.ConnectAsync("a");
        await first.SettleAsync();
        await first.DisposeAsync();
        rig.Write("more.yaml", Cache);
        await rig.LoggedAsync("5 objects");

        await using var again = await rig.ConnectAsync("a", epoch: first.Welcome.Epoch, version: first.Version);
        await again.UntilAsync(() => again.View.ContainsKey("service/shop/cache"));

        Assert.False(again.Deltas[0].Full);
        Assert.Equal("service/shop/cache", Assert.Single(again.View).Key);
    }

    [Theory]
    [InlineData("another-epoch", 1)]
    [InlineData(null, 1_000_000)]
    public async Task A_node_that_claims_a_version_of_another_epoch_or_of_the_future_gets_the_whole_view(string? epoch, ulong version)
    {
        await using var rig = await ControllerRig.StartAsync();
        await using var node = await rig.ConnectAsync("a");
        await using var odd = await rig.ConnectAsync("b", epoch: epoch ?? node.Welcome.Epoch, version: version);

        await odd.UntilAsync(() => odd.View.Count == 5);
        Assert.True(odd.Deltas[0].Full);
    }

    [Fact]
    public async Task A_node_that_refuses_a_view_is_told_the_next_one_whole_and_the_reason_is_kept()
    {
        await using var rig = await ControllerRig.StartAsync();
        await using var node = await rig.ConnectAsync("a");
        await node.SettleAsync();
        node.AcksByItself = false;

        rig.Write("more.yaml", Cache);
        await node.UntilAsync(() => node.View.ContainsKey("service/shop/cache"));
        await node.NackAsync(node.Deltas[^1], "I do not like it");
        await rig.LoggedAsync("I do not like it");
        Assert.Contains("I do not like it", await rig.GetAsync("/v1/nodes"));

        node.AcksByItself = true;
        var before = node.Deltas.Count;
        rig.Write("more.yaml", Cache.Replace("6379", "6380"));
        await node.UntilAsync(() => node.Deltas.Count > before);
        Assert.True(node.Deltas[^1].Full);
        Assert.Equal(6380u, node.View["service/shop/cache"].Service.Ports[0].Port);
        await Eventually.Async(() => !rig.GetAsync("/v1/nodes").Result.Contains("I do not like it"), () => "the nack outlives the ack");
    }

    // A node that starts anew would call in plaintext who joined since the full view was kept.
    [Fact]
    public async Task A_node_that_comes_later_has_nothing_until_it_has_what_is_so_now()
    {
        await using var rig = await ControllerRig.StartAsync();
        rig.Write("more.yaml", Cache);
        await using var early = await rig.ConnectAsync("a");
        await early.UntilAsync(() => early.View.ContainsKey("service/shop/cache"));
        await early.SettleAsync();

        rig.Write("more.yaml", Cache.Replace("cache", "store"));
        await early.ReportAsync("uid-web", PodPhase.Captured);
        await early.UntilStateAsync("uid-web", EnrolmentState.Enrolled);
        await early.UntilAsync(() => early.View.ContainsKey("service/shop/store"));

        await using var late = await rig.ConnectAsync("b");
        await late.UntilAsync(() => late.Deltas.Count > 0 && !late.Deltas[^1].More);
        Assert.Equal(EnrolmentState.Enrolled, late.StateOf("uid-web"));
        Assert.Equal(early.View.Keys.Order(), late.View.Keys.Order());
        Assert.True(late.Version >= early.Version);

        // What it acked is what it is built upon.
        rig.Write("more.yaml", Cache.Replace("cache", "third"));
        await late.UntilAsync(() => late.View.ContainsKey("service/shop/third"));
        Assert.False(late.Deltas[^1].Full);
        Assert.DoesNotContain("service/shop/store", late.View.Keys);
    }

    [Fact]
    public async Task A_slow_node_gets_the_newest_state_next_and_never_a_queue_of_what_it_missed()
    {
        await using var rig = await ControllerRig.StartAsync();
        await using var brisk = await rig.ConnectAsync("a");
        await using var slow = await rig.ConnectAsync("b");
        await slow.SettleAsync();
        await brisk.SettleAsync();
        slow.AcksByItself = false;

        for (var port = 6001; port <= 6005; port++)
        {
            rig.Write("more.yaml", Cache.Replace("6379", $"{port}"));
            await brisk.UntilAsync(() => brisk.View.GetValueOrDefault("service/shop/cache")?.Service.Ports[0].Port == port);
        }

        await slow.UntilAsync(() => slow.View.ContainsKey("service/shop/cache"));
        Assert.Equal(6001u, slow.View["service/shop/cache"].Service.Ports[0].Port);
        var before = slow.Deltas.Count;
        await slow.AckAsync(slow.Deltas[^1]);
        await slow.UntilAsync(() => slow.Deltas.Count > before);
        Assert.Equal(6005u, slow.View["service/shop/cache"].Service.Ports[0].Port);
        Assert.Equal(before + 1, slow.Deltas.Count);
    }

    [Fact]
    public async Task A_large_view_comes_in_parts_that_every_gRPC_client_takes()
    {
        // About 5 MB: 1000 services of some 5 KB each.
        var many = string.Join("\n---\n", Enumerable.Range(0, 1000).Select(i =>
            $"{{kind: Service, apiVersion: v1, metadata: {{name: s{i}, namespace: shop}}, spec: {{clusterIP: 10.2.{i / 250}.{i % 250 + 1}, ports: ["
            + string.Join(", ", Enumerable.Range(1, 5).Select(p => $"{{port: {p}, name: {new string('x', 1000)}{p}}}")) + "]}}"));
        await using var rig = await ControllerRig.StartAsync(many);
        await using var node = await rig.ConnectAsync("a");

        await node.UntilAsync(() => node.Deltas.Count > 0 && !node.Deltas[^1].More);

        Assert.Equal(1001, node.View.Count);
        Assert.True(node.Deltas.Count >= 3);
        Assert.All(node.Deltas, d => Assert.True(d.Full && d.CalculateSize() < 3 << 20));
        Assert.Single(node.Deltas.Select(d => (d.Nonce, d.Version)).Distinct());
    }

    [Fact]
    public async Task A_second_stream_of_the_same_node_takes_over_and_the_first_is_told_why()
    {
        await using var rig = await ControllerRig.StartAsync();
        await using var first = await rig.ConnectAsync("a");
        await first.SettleAsync();

        await using var second = await rig.ConnectAsync("a");
        var end = await first.EndAsync();

        Assert.Equal(StatusCode.Aborted, end.StatusCode);
        Assert.Contains("newer stream", end.Detail);
        await second.SettleAsync();
        Assert.Contains("\"connected\": true", await rig.GetAsync("/v1/nodes"));
    }

    [Fact]
    public async Task Messages_of_a_later_protocol_and_answers_to_nothing_are_ignored()
    {
        await using var rig = await ControllerRig.StartAsync();
        await using var node = await rig.ConnectAsync("a");

        await node.SendAsync(new NodeMessage());
        await node.SendAsync(new NodeMessage { Answer = new Answer { QuestionId = 77, Text = "hm" } });
        await node.SendAsync(new NodeMessage { Ack = new Ack { Version = 3 } });
        await node.SendAsync(new NodeMessage { Nack = new Nack { Version = 3, Reason = "no" } });
        await node.SendAsync(new NodeMessage { Report = new NodeReport() });
        await node.SendAsync(new NodeMessage { Report = new NodeReport { Counters = new NodeCounters { Values = { ["x"] = 1 } } } });
        await node.SendAsync(new NodeMessage { Report = new NodeReport { Pod = new PodReport { Uid = "uid-web", Phase = (PodPhase)99 } } });
        await node.ReportAsync("uid-api", PodPhase.Captured);

        rig.Write("more.yaml", Cache);
        await node.UntilAsync(() => node.View.ContainsKey("service/shop/cache"));
        Assert.Equal(EnrolmentState.Enrolling, node.StateOf("uid-api"));
        await rig.LoggedAsync("Node a reports on pod uid-api, which is not its own");
    }

    [Fact]
    public async Task A_message_that_is_too_large_ends_the_stream_of_its_sender_only()
    {
        await using var rig = await ControllerRig.StartAsync();
        await using var other = await rig.ConnectAsync("b");
        await using var node = await rig.ConnectAsync("a");

        try
        {
            await node.SendAsync(new NodeMessage { Report = new NodeReport { Pod = new PodReport { Uid = "uid-web", Reason = new string('x', 2 << 20) } } });
        }
        catch (Exception e) when (e is RpcException or IOException)
        {
            // The stream may end while the message is still being written.
        }
        Assert.NotEqual(StatusCode.OK, (await node.EndAsync()).StatusCode);
        rig.Write("more.yaml", Cache);
        await other.UntilAsync(() => other.View.ContainsKey("service/shop/cache"));
    }

    [Fact]
    public async Task A_node_that_vanishes_in_the_middle_of_everything_is_gone_and_no_bug()
    {
        await using var rig = await ControllerRig.StartAsync();
        for (var i = 0; i < 20; i++)
        {
            var node = await rig.ConnectAsync("a");
            await node.ReportAsync("uid-web", PodPhase.Preparing);
            if (i % 2 == 0)
                await node.UntilAsync(() => node.Deltas.Count > 0);
            node.Vanish();
        }
        await Eventually.Async(() => rig.GetAsync("/metrics").Result.Contains("ambient_controller_nodes_connected 0"), () => string.Join('\n', rig.Log));
        Assert.Equal([], rig.Log.Where(line => line.Contains("by a bug") || line.StartsWith("Error", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_controller_that_stops_ends_streams_with_UNAVAILABLE_within_a_second()
    {
        await using var rig = await ControllerRig.StartAsync();
        // The best of three, so that a machine that is busy otherwise does not count against it.
        var best = TimeSpan.MaxValue;
        for (var round = 0; round < 3; round++)
        {
            await using var node = await rig.ConnectAsync("a");
            await node.SettleAsync();

            var start = TimeProvider.System.GetTimestamp();
            var stopping = rig.StopAsync();
            var end = await node.EndAsync();
            Assert.True(end.StatusCode == StatusCode.Unavailable, $"{end} {end.DebugException}");
            await stopping;
            best = new[] { best, TimeProvider.System.GetElapsedTime(start) }.Min();
            await rig.RestartAsync();
        }
        Assert.True(best < TimeSpan.FromSeconds(1), $"{best}");
    }
}
