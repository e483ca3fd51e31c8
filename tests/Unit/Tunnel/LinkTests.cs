using Ambient.NodeProxy.Engine;
using Ambient.NodeProxy.Tunnel;

namespace Ambient.Tests.Unit.Tunnel;

public sealed class LinkTests
{
    [Theory]
    [InlineData(1, 10_000)]
    [InlineData(2, 10_000)]
    [InlineData(9, 100_000)]
    [InlineData(1_000, 1_000_000)]
    [InlineData(int.MaxValue, 8_000_000)]
    public async Task A_stream_carries_every_byte_both_ways_however_the_bytes_are_cut(int pieceBytes, int bytes)
    {
        await using var pair = await TunnelPair.Start(pieceBytes);
        var (client, server) = await pair.Open();
        var question = Random(bytes, 1);
        var answer = Random(bytes, 2);
        await pair.Loop.Run(() =>
        {
            client.Send(question);
            client.End();
            server.Send(answer);
            server.End();
        });
        await pair.Loop.Until(() => client.SawEnd && server.SawEnd, "both ends");

        Assert.Equal(question, await pair.Loop.Run(() => server.Received));
        Assert.Equal(answer, await pair.Loop.Run(() => client.Received));
        Assert.Equal((0, 0), await pair.Loop.Run(() => (pair.Client.StreamCount, pair.Server.StreamCount)));
    }

    [Fact]
    public async Task One_half_ends_and_the_other_goes_on()
    {
        await using var pair = await TunnelPair.Start();
        var (client, server) = await pair.Open();
        await pair.Loop.Run(client.End);
        await pair.Loop.Until(() => server.SawEnd, "the client's end");
        await pair.Loop.Run(() => server.Send(Random(300_000, 3)));
        await pair.Loop.Until(() => client.ReceivedBytes == 300_000, "the answer after the end");
        Assert.False(await pair.Loop.Run(() => client.SawEnd || client.SawBreak));
        await pair.Loop.Run(server.End);
        await pair.Loop.Until(() => client.SawEnd, "the server's end");
    }

    [Fact]
    public async Task A_reset_breaks_the_other_end_and_is_no_end()
    {
        await using var pair = await TunnelPair.Start();
        var (client, server) = await pair.Open();
        await pair.Loop.Run(() => pair.ServerEvents.Requests[0].Stream.Abort(ConnectionFault.Reset));
        await pair.Loop.Until(() => client.SawBreak, "the break");
        Assert.False(await pair.Loop.Run(() => client.SawEnd));
        Assert.Equal(ConnectionFault.Reset, await pair.Loop.Run(() => client.Fault));
        Assert.NotNull(server);
    }

    [Fact]
    public async Task The_server_sees_what_was_asked_for()
    {
        await using var pair = await TunnelPair.Start();
        await pair.Open();
        Assert.Equal(TunnelPair.Target, await pair.Loop.Run(() => pair.ServerEvents.Requests[0].Authority));
    }

    [Fact]
    public async Task A_refusal_arrives_with_its_status_and_its_reason()
    {
        await using var pair = await TunnelPair.Start();
        var opener = await pair.Ask();
        await pair.Loop.Until(() => pair.ServerEvents.Requests.Count == 1, "the request");
        await pair.Loop.Run(() => pair.ServerEvents.Requests[0].Stream.Refuse(401, "denied by AccessPolicy shop/api rule 2"));
        await pair.Loop.Until(() => opener.Refused is not null, "the refusal");
        Assert.Equal((401, "denied by AccessPolicy shop/api rule 2"), opener.Refused);
        Assert.Equal((0, 0), await pair.Loop.Run(() => (pair.Client.StreamCount, pair.Server.StreamCount)));
    }

    [Fact]
    public async Task Two_hundred_stalled_readers_hold_their_own_windows_and_do_not_slow_a_brisk_stream()
    {
        await using var pair = await TunnelPair.Start();
        var stalled = new List<ScriptedApp>();
        for (int i = 0; i < 200; i++)
        {
            var (client, server) = await pair.Open(serverReads: false);
            await pair.Loop.Run(() => client.Send(Random(1_000_000, i)));
            stalled.Add(server);
        }

        var (briskClient, briskServer) = await pair.Open();
        await pair.Loop.Run(() =>
        {
            briskClient.Send(Random(20_000_000, 5));
            briskClient.End();
        });
        await pair.Loop.Until(() => briskServer.SawEnd, "the brisk stream's end");
        Assert.Equal(20_000_000, await pair.Loop.Run(() => briskServer.ReceivedBytes));

        long held = await pair.Loop.Run(() => pair.Loop.Loop.Buffers.RentedBytes);
        Assert.InRange(held, 200 * 60_000L, 200 * 100_000L);
        await pair.Loop.Run(() => stalled.ForEach(app => app.StartReading()));
        await pair.Loop.Until(() => stalled.TrueForAll(app => app.ReceivedBytes == 1_000_000), "the stalled readers' bytes");
    }

    [Fact]
    public async Task Streams_take_turns()
    {
        await using var pair = await TunnelPair.Start(pieceBytes: 16 * 1024);
        var (first, firstServer) = await pair.Open();
        var (second, secondServer) = await pair.Open();
        await pair.Loop.Run(() =>
        {
            first.Send(Random(4_000_000, 1));
            second.Send(Random(4_000_000, 2));
        });
        await pair.Loop.Until(() => firstServer.ReceivedBytes > 2_000_000, "half of the first");
        long other = await pair.Loop.Run(() => secondServer.ReceivedBytes);
        Assert.InRange(other, 1_000_000, 4_000_000);
    }

    [Fact]
    public async Task A_window_grows_only_while_its_reader_drains()
    {
        await using var pair = await TunnelPair.Start();
        var (client, _) = await pair.Open();
        await pair.Loop.Run(() => client.Send(Random(8_000_000, 9)));
        await pair.Loop.Until(() => pair.ServerEvents.Requests[0].Stream.GrantedBytes == 1024 * 1024, "the largest window");
        var (lazyClient, _) = await pair.Open(serverReads: false);
        await pair.Loop.Run(() => lazyClient.Send(Random(8_000_000, 9)));
        await pair.Loop.Until(() => pair.ServerEvents.Requests[1].Stream.BytesReceived == 0, "nothing");
        Assert.Equal(64 * 1024, await pair.Loop.Run(() => pair.ServerEvents.Requests[1].Stream.GrantedBytes));
    }

    [Fact]
    public async Task A_lost_link_breaks_every_stream_on_it()
    {
        await using var pair = await TunnelPair.Start();
        var (client, server) = await pair.Open();
        await pair.Loop.Run(() => pair.ClientSide.Abort(ConnectionFault.Reset));
        await pair.Loop.Until(() => server.SawBreak, "the server's break");
        await pair.Loop.Run(() => pair.Client.Abort(ConnectionFault.Reset, "lost"));
        Assert.True(await pair.Loop.Run(() => client.SawBreak));
        Assert.NotNull(await pair.Loop.Run(() => pair.ServerEvents.Ended));
    }

    [Fact]
    public async Task A_draining_server_takes_no_new_streams_lets_open_ones_end_and_then_closes()
    {
        await using var pair = await TunnelPair.Start();
        var (client, server) = await pair.Open();
        await pair.Loop.Run(() => pair.Server.Drain("rollout"));
        await pair.Loop.Until(() => pair.ClientEvents.Drains, "GOAWAY");
        Assert.False(await pair.Loop.Run(() => pair.Client.HasCapacity));
        await pair.Loop.Run(() =>
        {
            client.Send("still served"u8.ToArray());
            client.End();
            server.End();
        });
        await pair.Loop.Until(() => pair.ClientEvents.Ended is not null && pair.ServerEvents.Ended is not null, "the link's end");
        Assert.Equal("still served"u8.ToArray(), await pair.Loop.Run(() => server.Received));
    }

    [Fact]
    public async Task A_stream_that_a_leaving_server_never_saw_may_be_tried_again()
    {
        await using var pair = await TunnelPair.Start();
        var (client, server) = await pair.Open();
        var opener = await pair.Loop.Run(() =>
        {
            pair.Server.Drain("rollout");
            var late = new TunnelPair.Opener();
            pair.Client.Open(new ConnectRequest(System.Net.IPEndPoint.Parse(TunnelPair.Target), System.Net.IPEndPoint.Parse("10.0.0.1:1"), null), late);
            return late;
        });
        await pair.Loop.Until(() => opener.FailedUnprocessed is not null, "the failure");
        Assert.True(opener.FailedUnprocessed);

        // What was open goes on all the same.
        await pair.Loop.Run(() => client.Send("still served"u8.ToArray()));
        await pair.Loop.Until(() => server.ReceivedBytes == 12, "the bytes of the open stream");
        Assert.False(await pair.Loop.Run(() => client.SawBreak || server.SawBreak));
    }

    [Theory]
    [InlineData(true)]    // the server looks at the client's certificate
    [InlineData(false)]   // and the client at the server's
    public async Task A_link_whose_peers_certificate_has_ended_takes_no_new_streams_and_the_open_ones_go_on(bool isServer)
    {
        await using var pair = await TunnelPair.Start();
        var (client, server) = await pair.Open();
        await pair.Loop.Run(() => (isServer ? pair.Server : pair.Client).EndsTicks = pair.Loop.Loop.NowTicks + 1);
        await pair.Loop.Until(() => (isServer ? pair.Server : pair.Client).IsOutdated, "the certificate's end");
        Assert.Equal(isServer, await pair.Loop.Run(() => pair.Client.HasCapacity));
        if (isServer)
        {
            var late = await pair.Ask();
            await pair.Loop.Until(() => late.FailedUnprocessed is not null && pair.ClientEvents.Drains, "the answer");
            Assert.True(late.FailedUnprocessed);
        }

        await pair.Loop.Run(() => client.Send("still served"u8.ToArray()));
        await pair.Loop.Until(() => server.ReceivedBytes == 12, "the bytes of the open stream");
        Assert.False(await pair.Loop.Run(() => client.SawBreak || server.SawBreak));
    }

    [Fact]
    public async Task A_link_into_a_pod_that_is_ending_serves_who_comes_and_closes_with_the_last_of_them()
    {
        await using var pair = await TunnelPair.Start();
        await pair.Loop.Run(() => pair.Server.ClosesWhenUnused = true);
        var (first, firstServer) = await pair.Open();
        var (second, secondServer) = await pair.Open();
        await pair.Loop.Run(() =>
        {
            first.End();
            firstServer.End();
        });
        await pair.Loop.Until(() => pair.Server.StreamCount == 1, "the end of the first");
        Assert.False(await pair.Loop.Run(() => pair.Server.IsDraining));
        await pair.Loop.Run(() =>
        {
            second.End();
            secondServer.End();
        });
        await pair.Loop.Until(() => pair.ClientEvents.Ended is not null && pair.ServerEvents.Ended is not null, "the link's end");
    }

    [Fact]
    public async Task Streams_beyond_the_peers_limit_have_no_room()
    {
        await using var pair = await TunnelPair.Start(options: new LinkOptions { MaxConcurrentStreams = 2 });
        await pair.Open();
        await pair.Open();
        Assert.False(await pair.Loop.Run(() => pair.Client.HasCapacity));
    }

    [Fact]
    public async Task The_more_streams_a_pod_has_the_smaller_each_starts_and_only_a_used_up_budget_refuses_new_ones()
    {
        await using var pair = await TunnelPair.Start(budgetBytes: 256 * 1024);
        int opened = 0;
        for (; opened < 64 && await pair.Loop.Run(() => pair.Client.HasCapacity); opened++) await pair.Open(serverReads: false);
        Assert.Equal(64, opened);
        Assert.Equal(64 * 4096, await pair.Loop.Run(() => pair.ServerBudget.GrantedBytes));
        Assert.True(await pair.Loop.Run(() => pair.ServerBudget.IsExhausted));
        Assert.False(await pair.Loop.Run(() => pair.Client.HasCapacity));
    }

    [Fact]
    public async Task A_window_that_was_narrowed_under_way_loses_no_byte()
    {
        await using var pair = await TunnelPair.Start(budgetBytes: 2 * 1024 * 1024);
        var apps = new List<(ScriptedApp Client, ScriptedApp Server)>();
        for (int i = 0; i < 60; i++)
        {
            apps.Add(await pair.Open(serverReads: i % 2 == 0));
            await pair.Loop.Run(() => apps[^1].Client.Send(Random(300_000, i)));
        }

        await pair.Loop.Run(() => apps.ForEach(app => app.Server.StartReading()));
        await pair.Loop.Until(() => apps.TrueForAll(app => app.Server.ReceivedBytes == 300_000), "every byte");
        for (int i = 0; i < apps.Count; i++) Assert.Equal(Random(300_000, i), await pair.Loop.Run(() => apps[i].Server.Received));
    }

    [Fact]
    public async Task A_stream_whose_delivered_bytes_were_not_yet_credited_goes_on_after_its_window_was_narrowed()
    {
        await using var pair = await TunnelPair.Start(budgetBytes: 4 * 1024 * 1024);
        var (client, server) = await pair.Open();
        await pair.Loop.Run(() => client.Send(Random(30_000, 1))); // below half of 64 KB: no credit yet
        await pair.Loop.Until(() => server.ReceivedBytes == 30_000, "the first bytes");
        for (int i = 0; i < 40; i++) await pair.Open(); // now 16 KB each
        await pair.Loop.Run(() => client.Send(Random(200_000, 2)));
        await pair.Loop.Until(() => server.ReceivedBytes == 230_000, "the rest");
    }

    [Fact]
    public async Task Thousands_of_connections_that_wait_for_one_link_are_opened_when_the_peers_limit_is_known()
    {
        var openers = new List<TunnelPair.Opener>();
        await using var pair = await TunnelPair.Start(budgetBytes: 1L << 30, whenThereIsRoom: link =>
        {
            while (openers.Count < 4_000 && link.HasCapacity)
            {
                openers.Add(new TunnelPair.Opener());
                link.Open(new ConnectRequest(System.Net.IPEndPoint.Parse(TunnelPair.Target), System.Net.IPEndPoint.Parse("10.0.0.1:1"), null), openers[^1]);
            }
        });
        await pair.Loop.Until(() => pair.ServerEvents.Requests.Count == 4_000, "every request");
        Assert.False(await pair.Loop.Run(() => pair.Client.IsClosed));
    }

    private static byte[] Random(int bytes, int seed)
    {
        var random = new byte[bytes];
        new Random(seed).NextBytes(random);
        return random;
    }
}
