using System.Buffers;
using Ambient.NodeProxy.Http2;
using Ambient.NodeProxy.Telemetry;
using Ambient.NodeProxy.Tunnel;

namespace Ambient.Tests.Unit.Inbound;

/// <summary>
/// Peers that prove themselves and then ask for what nobody gives, or break the rules of HTTP/2: a clear answer, a reason in log and metric,
/// and a good tunnel beside them goes on.
/// </summary>
public sealed class HostileStreamTests
{
    [Theory]
    [InlineData("127.0.0.2:{port}", "400", RefusalReason.BadAuthority, "127.0.0.2 is no address of this pod")]
    [InlineData("127.0.0.1", "400", RefusalReason.BadAuthority, "not address:port")]
    [InlineData("127.0.0.1:0", "400", RefusalReason.BadAuthority, "not address:port")]
    [InlineData("127.0.0.1:65536", "400", RefusalReason.BadAuthority, "not address:port")]
    [InlineData("127.0.0.1:080", "400", RefusalReason.BadAuthority, "not address:port")]
    [InlineData("127.1:{port}", "400", RefusalReason.BadAuthority, "not address:port")]
    [InlineData("[::ffff:127.0.0.2]:{port}", "400", RefusalReason.BadAuthority, "is no address of this pod")]
    [InlineData("API.SHOP:{port}", "400", RefusalReason.BadAuthority, "not address:port")]
    [InlineData("localhost:{port}", "400", RefusalReason.BadAuthority, "not address:port")]
    [InlineData("127.0.0.1:15001", "503", RefusalReason.OwnPort, "port 15001 belongs to the mesh")]
    [InlineData("127.0.0.1:15006", "503", RefusalReason.OwnPort, "port 15006 belongs to the mesh")]
    [InlineData("127.0.0.1:15008", "503", RefusalReason.OwnPort, "port 15008 belongs to the mesh")]
    [InlineData("127.0.0.1:1", "503", RefusalReason.ConnectFailed, "127.0.0.1:1")]
    public async Task A_CONNECT_to_where_the_pod_is_not_is_answered_with_the_reason(string authority, string status, RefusalReason reason, string text)
    {
        await using var world = await InboundWorld.StartAsync();
        var neighbour = await world.NeighbourAsync();
        var peer = await world.PeerAsync();
        string answer = await peer.ConnectAsync(1, authority.Replace("{port}", world.App.Split(':')[1], StringComparison.Ordinal));
        Assert.StartsWith(status + " ", answer);
        Assert.Contains(text, answer);
        await world.IsRefusedAsync(reason, text);
        Assert.Equal(1, world.Refused(reason));

        // Only the stream was refused.
        Assert.Equal("200", await peer.ConnectAsync(3, world.App));
        await neighbour.EchoesAsync(1, "after");
    }

    [Theory]
    [InlineData("CONNECT with :scheme or :path", ":method: CONNECT", ":authority: {app}", ":path: /", ":scheme: https")]
    [InlineData("CONNECT with :scheme or :path", ":method: CONNECT", ":authority: {app}", ":path: /")]
    [InlineData("the method is not CONNECT", ":method: GET", ":authority: {app}", ":path: /", ":scheme: https")]
    [InlineData("a pseudo-header twice", ":method: CONNECT", ":method: CONNECT", ":authority: {app}")]
    [InlineData("a pseudo-header twice", ":method: CONNECT", ":authority: {app}", ":authority: 127.0.0.1:80")]
    [InlineData("a pseudo-header is missing", ":method: CONNECT")]
    [InlineData("a pseudo-header is missing", ":authority: {app}")]
    [InlineData("a pseudo-header behind a field", ":method: CONNECT", "forwarded: for=x", ":authority: {app}")]
    [InlineData("upper case", ":method: CONNECT", ":authority: {app}", "Baggage: x=y")]
    [InlineData(":protocol", ":method: CONNECT", ":protocol: websocket", ":authority: {app}", ":path: /", ":scheme: https")]
    [InlineData("HTTP/1.1", ":method: CONNECT", ":authority: {app}", "transfer-encoding: chunked")]
    [InlineData("host twice", ":method: CONNECT", ":authority: {app}", "host: elsewhere:80")]
    public async Task A_request_that_is_no_CONNECT_as_it_has_to_be_is_answered_with_400_and_the_reason(string text, params string[] lines)
    {
        await using var world = await InboundWorld.StartAsync();
        var neighbour = await world.NeighbourAsync();
        var peer = await world.PeerAsync();
        peer.Headers(1, false, [.. lines.Select(line => line.Replace("{app}", world.App, StringComparison.Ordinal))]);
        await peer.UntilAsync(() => peer.Answers.ContainsKey(1));
        Assert.StartsWith("400 ", peer.AnswerOf(1));
        Assert.Contains(text, peer.AnswerOf(1));
        await world.IsRefusedAsync(RefusalReason.BadRequest, text);
        Assert.Equal("200", await peer.ConnectAsync(3, world.App));
        await neighbour.EchoesAsync(1, "after");
    }

    [Theory]
    [InlineData("SETTINGS", Http2ErrorCode.EnhanceYourCalm)]
    [InlineData("PING", Http2ErrorCode.EnhanceYourCalm)]
    [InlineData("empty DATA", Http2ErrorCode.EnhanceYourCalm)]
    [InlineData("open and reset", Http2ErrorCode.EnhanceYourCalm)]
    [InlineData("bad requests", Http2ErrorCode.EnhanceYourCalm)]
    [InlineData("CONTINUATION", Http2ErrorCode.EnhanceYourCalm)]
    [InlineData("empty CONTINUATION", Http2ErrorCode.EnhanceYourCalm)]
    [InlineData("PRIORITY", Http2ErrorCode.EnhanceYourCalm)]
    [InlineData("unknown frames", Http2ErrorCode.EnhanceYourCalm)]
    [InlineData("HPACK table size beyond the limit", Http2ErrorCode.CompressionError)]
    [InlineData("HPACK reference to nothing", Http2ErrorCode.CompressionError)]
    [InlineData("HPACK integer without end", Http2ErrorCode.CompressionError)]
    [InlineData("WINDOW_UPDATE by 0", Http2ErrorCode.ProtocolError)]
    [InlineData("WINDOW_UPDATE beyond 2^31 on the link", Http2ErrorCode.FlowControlError)]
    [InlineData("an initial window beyond 2^31", Http2ErrorCode.FlowControlError)]
    [InlineData("an initial window that overflows open streams", Http2ErrorCode.FlowControlError)]
    [InlineData("a frame size of 1", Http2ErrorCode.ProtocolError)]
    [InlineData("an even stream", Http2ErrorCode.ProtocolError)]
    [InlineData("DATA on a stream of the future", Http2ErrorCode.ProtocolError)]
    [InlineData("a frame of 16 MiB", Http2ErrorCode.FrameSizeError)]
    [InlineData("PUSH_PROMISE", Http2ErrorCode.ProtocolError)]
    [InlineData("another frame inside a header block", Http2ErrorCode.ProtocolError)]
    public async Task A_peer_that_breaks_the_rules_loses_its_link_and_hears_why(string what, Http2ErrorCode code)
    {
        await using var world = await InboundWorld.StartAsync();
        var neighbour = await world.NeighbourAsync();
        var peer = await world.PeerAsync();
        Assert.Equal("200", await peer.ConnectAsync(1, world.App));
        Break(peer, what, world.App);
        await peer.EndsAsync();
        // A flood is thrown out while it still writes: then the reset of its connection may overtake the reason.
        if (peer.GoAway is { } said) Assert.Equal(code, said.Code);
        await world.IsRefusedAsync(RefusalReason.ProtocolViolation, code.ToString());
        Assert.Equal(1, world.Refused(RefusalReason.ProtocolViolation));
        await world.UntilAsync(() => world.LinksAsync().Result == 1 && world.SessionsAsync().Result == 1, "its link and streams are gone");
        await neighbour.EchoesAsync(1, "after");
    }

    [Theory]
    [InlineData("DATA after the end", Http2ErrorCode.StreamClosed)]
    [InlineData("HEADERS after the end", Http2ErrorCode.StreamClosed)]
    [InlineData("DATA beyond the window", Http2ErrorCode.FlowControlError)]
    [InlineData("WINDOW_UPDATE beyond 2^31", Http2ErrorCode.FlowControlError)]
    [InlineData("HEADERS in the middle", Http2ErrorCode.ProtocolError)]
    public async Task What_concerns_one_stream_ends_that_stream_only(string what, Http2ErrorCode code)
    {
        await using var world = await InboundWorld.StartAsync();
        var peer = await world.PeerAsync();
        Assert.Equal("200", await peer.ConnectAsync(1, world.App));
        Assert.Equal("200", await peer.ConnectAsync(3, world.App));
        switch (what)
        {
            case "DATA after the end":
                peer.Send(1, "flood"u8, endStream: true); // the app goes on speaking, so that the stream stays half open
                await peer.UntilAsync(() => peer.Data.ContainsKey(1));
                peer.Send(1, "more"u8);
                break;
            case "HEADERS after the end":
                peer.Send(1, "flood"u8, endStream: true);
                await peer.UntilAsync(() => peer.Data.ContainsKey(1));
                peer.Headers(1, true, "x: y");
                break;
            case "DATA beyond the window":
                peer.Send(1, "flood"u8); // from here on the app reads nothing
                for (int i = 0; i < 300; i++) peer.Send(1, new byte[60_000]);
                break;
            case "WINDOW_UPDATE beyond 2^31":
                FrameWriter.WriteWindowUpdate(peer.Output, 1, int.MaxValue);
                break;
            case "HEADERS in the middle":
                peer.Headers(1, false, "x: y");
                break;
        }

        await peer.UntilAsync(() => peer.Resets.ContainsKey(1));
        Assert.Equal(code, peer.Resets[1]);
        await world.IsRefusedAsync(RefusalReason.ProtocolViolation, $"stream 1 was reset with {code}");
        await peer.EchoesAsync(3, "the other stream goes on");
    }

    [Theory]
    [InlineData("a large field a thousand times by one byte each")]
    [InlineData("a thousand fields")]
    [InlineData("one field of 40 KB")]
    public async Task A_header_list_beyond_the_limit_is_answered_with_431_and_costs_no_more_than_itself(string what)
    {
        await using var world = await InboundWorld.StartAsync();
        var peer = await world.PeerAsync();
        var block = new List<byte>();
        switch (what)
        {
            case "a large field a thousand times by one byte each":
                block.AddRange([0x40, 1, (byte)'x', 0x7f, 0x80 | (3_000 - 127 & 0x7f), 3_000 - 127 >> 7]);
                block.AddRange(Enumerable.Repeat((byte)'v', 3_000));
                block.AddRange(Enumerable.Repeat((byte)(0x80 | 62), 1_000));
                break;
            case "a thousand fields":
                for (int i = 0; i < 1_000; i++) block.AddRange([0x00, 1, (byte)'x', 1, (byte)'y']);
                break;
            case "one field of 40 KB":
                block.AddRange([0x00, 1, (byte)'x', 0x7f, 0x80 | (40_000 - 127 & 0x7f), 0x80 | (40_000 - 127 >> 7 & 0x7f), 40_000 - 127 >> 14]);
                block.AddRange(Enumerable.Repeat((byte)'v', 40_000));
                break;
        }

        FrameWriter.WriteHeaders(peer.Output, 1, block.ToArray(), endStream: false, 16_384);
        await peer.UntilAsync(() => peer.Answers.ContainsKey(1));
        Assert.StartsWith("431 ", peer.AnswerOf(1));
        await world.IsRefusedAsync(RefusalReason.BadRequest, "header");
        Assert.Equal("200", await peer.ConnectAsync(3, world.App));
    }

    [Fact]
    public async Task A_peer_that_says_HTTP_1_inside_the_tunnel_hears_what_was_expected()
    {
        await using var world = await InboundWorld.StartAsync();
        var tls = await world.DialTlsAsync(world.Authority.Issue(["spiffe://cluster.local/ns/shop/sa/web"]));
        var peer = new TunnelPeer(tls, saysHello: false);
        peer.Output.Write("GET / HTTP/1.1\r\nHost: api\r\n\r\n"u8);
        await peer.EndsAsync();
        await world.IsRefusedAsync(RefusalReason.ProtocolViolation, "no client preface");
    }

    [Fact]
    public async Task A_peer_that_proves_itself_and_then_says_nothing_is_not_kept()
    {
        await using var world = await InboundWorld.StartAsync(options: new LinkOptions { PingAfter = TimeSpan.FromMilliseconds(300) });
        var tls = await world.DialTlsAsync(world.Authority.Issue(["spiffe://cluster.local/ns/shop/sa/web"]));
        var buffer = new byte[1_000];
        int read;
        do read = await tls.ReadAsync(buffer).AsTask().WaitAsync(TimeSpan.FromSeconds(20)).ContinueWith(r => r.IsCompletedSuccessfully ? r.Result : 0, TaskScheduler.Default);
        while (read > 0);
        await world.IsRefusedAsync(RefusalReason.ProtocolViolation, "sent no SETTINGS");
        Assert.Equal(0, await world.LinksAsync());
    }

    [Fact]
    public async Task A_peer_that_never_reads_holds_its_own_windows_and_nobody_elses()
    {
        await using var world = await InboundWorld.StartAsync();
        var neighbour = await world.NeighbourAsync();
        var peer = await world.PeerAsync();
        for (int i = 0; i < 50; i++) peer.Connect(1 + (2 * i), world.App);
        await peer.UntilAsync(() => peer.Answers.Count == 50);
        for (int i = 0; i < 50; i++) peer.Send(1 + (2 * i), "flood"u8);
        await peer.FlushAsync(); // and from here on not a byte is read
        for (int i = 0; i < 20; i++)
        {
            await neighbour.EchoesAsync(1, "while it stalls");
            Assert.InRange(await world.BuffersAsync(), 0, 64);
        }
    }

    [Fact]
    public async Task Windows_of_one_byte_make_no_answers_pile_up_here()
    {
        await using var world = await InboundWorld.StartAsync();
        var neighbour = await world.NeighbourAsync();
        var peer = await world.PeerAsync();
        FrameWriter.WriteInitialWindow(peer.Output, 1);
        for (int i = 0; i < 100; i++) peer.Connect(1 + (2 * i), world.App);
        await peer.UntilAsync(() => peer.Answers.Count == 100);
        for (int i = 0; i < 100; i++) peer.Send(1 + (2 * i), "flood"u8);
        await peer.UntilAsync(() => peer.Data.Count == 100);
        for (int round = 0; round < 10; round++)
        {
            for (int i = 0; i < 100; i++) FrameWriter.WriteWindowUpdate(peer.Output, 1 + (2 * i), 1);
            await peer.FlushAsync();
            await neighbour.EchoesAsync(1, "beside them");
            Assert.InRange(await world.BuffersAsync(), 0, 64);
        }

        Assert.All(peer.Data.Values, bytes => Assert.InRange(bytes.Length, 1, 11));
    }

    [Fact]
    public async Task A_flood_of_window_updates_takes_no_memory_and_starves_nobody()
    {
        await using var world = await InboundWorld.StartAsync();
        var neighbour = await world.NeighbourAsync();
        var peer = await world.PeerAsync();
        Assert.Equal("200", await peer.ConnectAsync(1, world.App));
        for (int round = 0; round < 20; round++)
        {
            for (int i = 0; i < 5_000; i++) FrameWriter.WriteWindowUpdate(peer.Output, 1, 1);
            await peer.FlushAsync();
            await neighbour.EchoesAsync(1, "beside them");
        }

        Assert.InRange(await world.BuffersAsync(), 0, 64);
    }

    [Fact]
    public async Task Streams_that_come_again_or_backwards_open_nothing()
    {
        await using var world = await InboundWorld.StartAsync();
        var peer = await world.PeerAsync();
        Assert.Equal("200", await peer.ConnectAsync(5, world.App));
        peer.Send(5, default, endStream: true);
        await peer.FlushAsync();
        await world.UntilAsync(() => world.SessionsAsync().Result == 0, "the stream has ended");
        peer.Connect(5, world.App);
        peer.Connect(3, world.App);
        Assert.Equal("200", await peer.ConnectAsync(7, world.App));
        Assert.False(peer.Answers.ContainsKey(3));
        Assert.Equal(1, await world.SessionsAsync());
    }

    private static void Break(TunnelPeer peer, string what, string app)
    {
        switch (what)
        {
            case "SETTINGS":
                for (int i = 0; i < 1_000; i++) peer.Frame(FrameType.Settings, FrameFlags.None, 0);
                break;
            case "PING":
                for (int i = 0; i < 1_000; i++) FrameWriter.WritePing(peer.Output, 1, ack: false);
                break;
            case "empty DATA":
                for (int i = 0; i < 1_000; i++) peer.Send(1, default);
                break;
            case "open and reset":
                for (int i = 0; i < 5_000; i++)
                {
                    peer.Connect(3 + (2 * i), app);
                    FrameWriter.WriteRstStream(peer.Output, 3 + (2 * i), Http2ErrorCode.Cancel);
                }

                break;
            case "bad requests":
                for (int i = 0; i < 5_000; i++) peer.Headers(3 + (2 * i), false, ":method: GET");
                break;
            case "CONTINUATION":
                peer.Frame(FrameType.Headers, FrameFlags.None, 3, [0x82]);
                for (int i = 0; i < 1_000; i++) peer.Frame(FrameType.Continuation, FrameFlags.None, 3, [0x82]);
                break;
            case "empty CONTINUATION":
                peer.Frame(FrameType.Headers, FrameFlags.None, 3);
                for (int i = 0; i < 1_000; i++) peer.Frame(FrameType.Continuation, FrameFlags.None, 3);
                break;
            case "PRIORITY":
                for (int i = 0; i < 1_000; i++) peer.Frame(FrameType.Priority, FrameFlags.None, 1, [0, 0, 0, 0, 1]);
                break;
            case "unknown frames":
                for (int i = 0; i < 1_000; i++) peer.Frame((FrameType)0xbb, FrameFlags.None, 1, [0]);
                break;
            case "HPACK table size beyond the limit":
                peer.Frame(FrameType.Headers, FrameFlags.EndHeaders, 3, [0x3f, 0xe1, 0xff, 0x03]);
                break;
            case "HPACK reference to nothing":
                peer.Frame(FrameType.Headers, FrameFlags.EndHeaders, 3, [0xff, 0x40]);
                break;
            case "HPACK integer without end":
                peer.Frame(FrameType.Headers, FrameFlags.EndHeaders, 3, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]);
                break;
            case "WINDOW_UPDATE by 0":
                peer.Frame(FrameType.WindowUpdate, FrameFlags.None, 1, [0, 0, 0, 0]);
                break;
            case "WINDOW_UPDATE beyond 2^31 on the link":
                FrameWriter.WriteWindowUpdate(peer.Output, 0, int.MaxValue);
                break;
            case "an initial window beyond 2^31":
                peer.Frame(FrameType.Settings, FrameFlags.None, 0, [0, 4, 0x80, 0, 0, 0]);
                break;
            case "an initial window that overflows open streams":
                FrameWriter.WriteWindowUpdate(peer.Output, 1, int.MaxValue - 65_535);
                peer.Frame(FrameType.Settings, FrameFlags.None, 0, [0, 4, 0x7f, 0xff, 0xff, 0xff]);
                break;
            case "a frame size of 1":
                peer.Frame(FrameType.Settings, FrameFlags.None, 0, [0, 5, 0, 0, 0, 1]);
                break;
            case "an even stream":
                peer.Connect(4, app);
                break;
            case "DATA on a stream of the future":
                peer.Send(9, "x"u8);
                break;
            case "a frame of 16 MiB":
                peer.Output.Write<byte>([0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1]);
                break;
            case "PUSH_PROMISE":
                peer.Frame(FrameType.PushPromise, FrameFlags.EndHeaders, 1, [0, 0, 0, 2]);
                break;
            case "another frame inside a header block":
                peer.Frame(FrameType.Headers, FrameFlags.None, 3, [0x82]);
                FrameWriter.WritePing(peer.Output, 1, ack: false);
                break;
            default:
                throw new ArgumentException(what);
        }
    }
}
