using System.Buffers;
using Ambient.NodeProxy.Engine;
using Ambient.NodeProxy.Http2;
using Ambient.NodeProxy.Http2.Hpack;
using Ambient.NodeProxy.Tunnel;
using Ambient.Tests.Unit.Engine;

namespace Ambient.Tests.Unit.Tunnel;

/// <summary>A peer that passed the handshake and then breaks the rules: the link ends with a reason, or only the stream does.</summary>
public sealed class HostilePeerTests
{
    [Fact]
    public async Task Garbage_ends_the_link()
    {
        await using var world = await World.Start();
        await world.Say(output => output.Write("GET / HTTP/1.1\r\nHost: api\r\n\r\n"u8));
        await world.LinkEnds("preface");
    }

    [Fact]
    public async Task Data_beyond_a_streams_window_resets_that_stream_only()
    {
        await using var world = await World.Start();
        await world.Say(output =>
        {
            Hello(output);
            Connect(output, 1);
            Connect(output, 3);
            for (int i = 0; i < 5; i++) Data(output, 1, 16 * 1024);
        });
        await world.Loop.Until(() => world.Owner.Requests.Count == 2, "two requests");
        await world.Loop.Until(() => world.Owner.Requests[0].Stream.IsClosed, "the reset");
        Assert.False(await world.Loop.Run(() => world.Owner.Requests[1].Stream.IsClosed || world.Link.IsClosed));
    }

    [Fact]
    public async Task Data_beyond_the_connections_window_ends_the_link()
    {
        await using var world = await World.Start(new LinkOptions { ConnectionWindowBytes = 65_535 });
        await world.Say(output =>
        {
            Hello(output);
            for (int i = 0; i < 8; i++) Connect(output, (2 * i) + 1);
            for (int i = 0; i < 8; i++) Data(output, (2 * i) + 1, 60_000);
        });
        // Credit is returned at half; eight streams of a window each are more than what was granted in one go.
        await world.Loop.Until(() => world.Link.IsClosed || world.Owner.Requests.Count == 8, "an outcome");
    }

    [Theory]
    [InlineData(2)]  // even: only servers number like that
    [InlineData(0)]
    public async Task A_request_on_a_stream_number_that_clients_may_not_use_ends_the_link(int streamId)
    {
        await using var world = await World.Start();
        await world.Say(output =>
        {
            Hello(output);
            Connect(output, streamId);
        });
        await world.LinkEnds("");
    }

    [Fact]
    public async Task Data_on_a_stream_that_was_never_opened_ends_the_link()
    {
        await using var world = await World.Start();
        await world.Say(output =>
        {
            Hello(output);
            Data(output, 5, 10);
        });
        await world.LinkEnds("");
    }

    [Fact]
    public async Task A_flood_of_pings_that_are_never_read_ends_the_link()
    {
        await using var world = await World.Start();
        await world.Loop.Run(() => world.Peer.IsStalled = true);
        await world.Say(output =>
        {
            Hello(output);
            for (int i = 0; i < 40_000; i++) FrameWriter.WritePing(output, 1, ack: false);
        });
        await world.LinkEnds("EnhanceYourCalm");
    }

    [Fact]
    public async Task A_flood_of_resets_keeps_no_stream_and_no_memory()
    {
        await using var world = await World.Start();
        await world.Say(output =>
        {
            Hello(output);
            for (int i = 0; i < 5_000; i++)
            {
                Connect(output, (2 * i) + 1);
                FrameWriter.WriteRstStream(output, (2 * i) + 1, Http2ErrorCode.Cancel);
            }
        });
        await world.LinkEnds("EnhanceYourCalm");
        Assert.Equal(0, await world.Loop.Run(() => world.Link.StreamCount));
    }

    [Fact]
    public async Task Resets_of_streams_that_were_answered_are_how_apps_end_and_cost_the_link_nothing()
    {
        const int Round = 500;
        await using var world = await World.Start();
        await world.Say(Hello);
        for (int first = 0; first < 10 * Round; first += Round)
        {
            int from = first, until = first + Round;
            await world.Say(output =>
            {
                for (int i = from; i < until; i++) Connect(output, (2 * i) + 1);
            });
            await world.Loop.Until(() => world.Owner.Requests.Count == until, "the requests");
            await world.Loop.Run(() => world.Owner.Requests.Skip(from).ToList().ForEach(request => request.Stream.Accept()));
            await world.Say(output =>
            {
                for (int i = from; i < until; i++) FrameWriter.WriteRstStream(output, (2 * i) + 1, Http2ErrorCode.ConnectError);
            });
            await world.Loop.Until(() => world.Link.StreamCount == 0, "the resets");
        }

        Assert.Equal((false, false), await world.Loop.Run(() => (world.Link.IsClosed, world.Link.IsDraining)));
    }

    [Fact]
    public async Task A_peer_that_asks_and_never_reads_the_refusals_loses_the_link_before_it_costs_memory()
    {
        await using var world = await World.Start(new LinkOptions { MaxPendingControlBytes = 4 * 1024 });
        await world.Loop.Run(() =>
        {
            world.Peer.IsStalled = true;
            world.Owner.RefuseAll = true;
        });
        await world.Say(output =>
        {
            Hello(output);
            for (int i = 0; i < 20_000; i++) Connect(output, (2 * i) + 1);
        });
        await world.LinkEnds("does not read");
    }

    [Fact]
    public async Task Streams_beyond_the_limit_are_refused_one_by_one()
    {
        await using var world = await World.Start(new LinkOptions { MaxConcurrentStreams = 2 });
        await world.Say(output =>
        {
            Hello(output);
            for (int i = 0; i < 5; i++) Connect(output, (2 * i) + 1);
        });
        await world.Loop.Until(() => world.Owner.Requests.Count == 2, "two requests");
        await Task.Delay(50);
        Assert.Equal((2, false), await world.Loop.Run(() => (world.Owner.Requests.Count, world.Link.IsClosed)));
    }

    [Fact]
    public async Task A_header_list_beyond_the_limit_is_refused_and_the_link_goes_on()
    {
        await using var world = await World.Start();
        await world.Say(output =>
        {
            Hello(output);
            var block = new ArrayBufferWriter<byte>();
            HpackEncoder.Encode(block, ":method"u8, "CONNECT"u8);
            for (int i = 0; i < 600; i++) HpackEncoder.Encode(block, "accept"u8, "x"u8);
            FrameWriter.WriteHeaders(output, 1, block.WrittenSpan, endStream: false, 16_384);
            Connect(output, 3);
        });
        await world.Loop.Until(() => world.Owner.Requests.Count == 1, "the good request");
        Assert.False(await world.Loop.Run(() => world.Link.IsClosed));
    }

    [Fact]
    public async Task A_peer_that_makes_us_reset_stream_after_stream_loses_the_link()
    {
        await using var world = await World.Start();
        await world.Say(output =>
        {
            Hello(output);
            for (int i = 0; i < 5_000; i++)
            {
                var block = new ArrayBufferWriter<byte>();
                HpackEncoder.Encode(block, ":method"u8, "CONNECT"u8);
                HpackEncoder.Encode(block, ":path"u8, "/"u8);
                FrameWriter.WriteHeaders(output, (2 * i) + 1, block.WrittenSpan, endStream: false, 16_384);
            }
        });
        await world.LinkEnds("EnhanceYourCalm");
        Assert.Empty(world.Owner.Requests);
    }

    [Fact]
    public async Task A_window_update_that_overflows_a_stream_resets_it_and_one_that_overflows_the_link_ends_it()
    {
        await using var world = await World.Start();
        await world.Say(output =>
        {
            Hello(output);
            Connect(output, 1);
            FrameWriter.WriteWindowUpdate(output, 1, int.MaxValue);
        });
        await world.Loop.Until(() => world.Owner.Requests.Count == 1 && world.Owner.Requests[0].Stream.IsClosed, "the reset");
        await world.Say(output => FrameWriter.WriteWindowUpdate(output, 0, int.MaxValue));
        await world.LinkEnds("FlowControlError");
    }

    [Fact]
    public async Task A_silent_link_with_streams_is_asked_and_then_given_up()
    {
        await using var world = await World.Start(new LinkOptions { PingAfter = TimeSpan.FromMilliseconds(50), DeadAfter = TimeSpan.FromMilliseconds(200) });
        await world.Say(output =>
        {
            Hello(output);
            Connect(output, 1);
        });
        await world.LinkEnds("no answer");
    }

    [Fact]
    public async Task Random_bytes_after_the_preface_never_harm_the_loop()
    {
        for (int seed = 1; seed <= 40; seed++)
        {
            await using var world = await World.Start();
            var random = new Random(seed);
            await world.Say(output =>
            {
                Hello(output);
                for (int i = 0; i < 50; i++)
                {
                    var payload = new byte[random.Next(0, 60)];
                    random.NextBytes(payload);
                    var header = new byte[9];
                    new FrameHeader(payload.Length, (FrameType)random.Next(0, 12), (FrameFlags)random.Next(0, 256), random.Next(0, 8)).WriteTo(header);
                    output.Write(header);
                    output.Write(payload);
                }
            });
            await Task.Delay(1);
        }
    }

    private static void Hello(IBufferWriter<byte> output)
    {
        FrameWriter.WritePreface(output);
        FrameWriter.WriteSettings(output, new Http2Settings());
    }

    private static void Connect(IBufferWriter<byte> output, int streamId)
    {
        var block = new ArrayBufferWriter<byte>();
        HpackEncoder.Encode(block, ":method"u8, "CONNECT"u8);
        HpackEncoder.Encode(block, ":authority"u8, "10.244.2.11:8080"u8);
        FrameWriter.WriteHeaders(output, streamId, block.WrittenSpan, endStream: false, 16_384);
    }

    private static void Data(IBufferWriter<byte> output, int streamId, int bytes)
    {
        var frame = new byte[FrameHeader.Size + bytes];
        FrameWriter.WriteDataHeader(frame, streamId, bytes, endStream: false);
        output.Write(frame);
    }

    private sealed class World : IAsyncDisposable
    {
        public required TestLoop Loop { get; init; }

        public MemoryConnection Peer { get; private set; } = null!;

        public Link Link { get; private set; } = null!;

        public TunnelPair.ServerOwner Owner { get; } = new();

        private ScriptedApp Raw { get; set; } = null!;

        public static async Task<World> Start(LinkOptions? options = null)
        {
            var world = new World { Loop = new TestLoop() };
            await world.Loop.Run(() =>
            {
                var (peer, server) = MemoryConnection.Pair(world.Loop.Loop);
                world.Peer = peer;
                world.Raw = new ScriptedApp(peer);
                world.Link = Link.Start(server, true, world.Owner, options ?? new LinkOptions(), new WindowBudget(64 << 20));
            });
            return world;
        }

        public Task Say(Action<IBufferWriter<byte>> write)
        {
            var output = new ArrayBufferWriter<byte>();
            write(output);
            return Loop.Run(() => Raw.Send(output.WrittenSpan.ToArray()));
        }

        public async Task LinkEnds(string reason)
        {
            await Loop.Until(() => Owner.Ended is not null || Link.IsDraining, "the link's end");
            await Loop.Run(() => Peer.IsStalled = false);
            await Loop.Until(() => Owner.Ended is not null, "the end of a link whose peer reads again");
            Assert.Contains(reason, await Loop.Run(() => Owner.Ended) ?? "");
        }

        public async ValueTask DisposeAsync()
        {
            await Loop.Run(() =>
            {
                Link.Abort(ConnectionFault.Ended, "the test is over");
                Peer.Abort(ConnectionFault.Ended);
            });
            await Loop.DisposeAsync();
        }
    }
}
