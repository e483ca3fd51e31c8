using System.Buffers;
using System.Net.Security;
using System.Text;
using Ambient.NodeProxy.Http2;
using Ambient.NodeProxy.Http2.Hpack;
using Ambient.Tests.Unit.Http2.Hpack;

namespace Ambient.Tests.Unit.Inbound;

/// <summary>A peer with a certificate that speaks HTTP/2 as it is told, right or wrong, and notes what it hears.</summary>
internal sealed class TunnelPeer : IFrameSink
{
    private readonly SslStream _tls;
    private readonly ArrayBufferWriter<byte> _output = new();
    private readonly FrameParser _parser = new(new FrameParserLimits { MaxFrameSize = 1 << 20 }, isServer: false);
    private readonly HpackEncoder _encoder = new();
    private readonly byte[] _received = new byte[64 * 1024];
    private readonly CancellationTokenSource _patience = new(TimeSpan.FromSeconds(30));

    public TunnelPeer(SslStream tls, bool saysHello = true)
    {
        _tls = tls;
        if (!saysHello) return;
        FrameWriter.WritePreface(_output);
        FrameWriter.WriteSettings(_output, new Http2Settings());
    }

    /// <summary>What it writes next, as bytes.</summary>
    public IBufferWriter<byte> Output => _output;

    /// <summary>Header lists by stream.</summary>
    public Dictionary<int, string[]> Answers { get; } = [];

    /// <summary>Bytes by stream.</summary>
    public Dictionary<int, MemoryStream> Data { get; } = [];

    public Dictionary<int, Http2ErrorCode> Resets { get; } = [];

    /// <summary>Why the link is ending, by the other side's GOAWAY.</summary>
    public (Http2ErrorCode Code, string Reason)? GoAway { get; private set; }

    /// <summary>The connection has ended.</summary>
    public bool IsOver { get; private set; }

    public void Headers(int streamId, bool endStream, params string[] lines)
    {
        var block = new ArrayBufferWriter<byte>();
        _encoder.Encode(HeaderText.List(lines), block);
        FrameWriter.WriteHeaders(_output, streamId, block.WrittenSpan, endStream, 16_384);
    }

    public void Connect(int streamId, string authority) => Headers(streamId, false, ":method: CONNECT", $":authority: {authority}");

    public void Send(int streamId, ReadOnlySpan<byte> bytes, bool endStream = false)
    {
        var frame = new byte[FrameHeader.Size + bytes.Length];
        FrameWriter.WriteDataHeader(frame, streamId, bytes.Length, endStream);
        bytes.CopyTo(frame.AsSpan(FrameHeader.Size));
        _output.Write(frame);
    }

    public void Frame(FrameType type, FrameFlags flags, int streamId, params ReadOnlySpan<byte> payload)
    {
        var header = new byte[FrameHeader.Size];
        new FrameHeader(payload.Length, type, flags, streamId).WriteTo(header);
        _output.Write(header);
        _output.Write(payload);
    }

    /// <summary>Opens a stream and reads its answer.</summary>
    /// <returns>The status, and the reason of a refusal behind it.</returns>
    public async Task<string> ConnectAsync(int streamId, string authority)
    {
        Connect(streamId, authority);
        await UntilAsync(() => Answers.ContainsKey(streamId));
        return AnswerOf(streamId);
    }

    public string AnswerOf(int streamId) => string.Join(' ', Answers[streamId].Select(line => line[(line.IndexOf(": ", 1, StringComparison.Ordinal) + 2)..]));

    /// <summary>What it sends on a stream comes back.</summary>
    public async Task EchoesAsync(int streamId, string text)
    {
        long before = Data.TryGetValue(streamId, out var seen) ? seen.Length : 0;
        Send(streamId, Encoding.ASCII.GetBytes(text));
        await UntilAsync(() => Data.TryGetValue(streamId, out var now) && now.Length == before + text.Length);
    }

    /// <summary>Writes what waits.</summary>
    public async Task FlushAsync()
    {
        if (_output.WrittenCount == 0) return;
        try
        {
            await _tls.WriteAsync(_output.WrittenMemory, _patience.Token);
        }
        catch (IOException)
        {
            IsOver = true; // it was thrown out in the middle of it
        }

        _output.ResetWrittenCount();
    }

    /// <summary>Writes what waits, then reads until something is true or the connection ends.</summary>
    public async Task UntilAsync(Func<bool> isDone)
    {
        await FlushAsync();
        while (!isDone() && !IsOver)
        {
            int read;
            try
            {
                read = await _tls.ReadAsync(_received, _patience.Token);
            }
            catch (IOException)
            {
                read = 0;
            }

            IsOver |= read == 0;
            Assert.True(_parser.Feed(_received.AsSpan(0, read), this, 0).IsOk, "the proxy breaks the rules");
            await FlushAsync();
        }

        Assert.True(isDone() || IsOver);
    }

    /// <summary>Reads until the other side has ended the link.</summary>
    public Task EndsAsync() => UntilAsync(() => IsOver);

    Http2ErrorCode IFrameSink.OnData(int streamId, ReadOnlySpan<byte> chunk, int flowControlled, bool endStream)
    {
        if (!Data.TryGetValue(streamId, out var bytes)) Data[streamId] = bytes = new MemoryStream();
        bytes.Write(chunk);
        if (flowControlled > 0) FrameWriter.WriteWindowUpdate(_output, 0, flowControlled); // of the link; streams get what a test gives them
        return Http2ErrorCode.NoError;
    }

    Http2ErrorCode IFrameSink.OnHeaders(int streamId, HeaderList headers, bool endStream)
    {
        Answers[streamId] = HeaderText.Lines(headers);
        return Http2ErrorCode.NoError;
    }

    Http2ErrorCode IFrameSink.OnHeadersRefused(int streamId, string reason) => Http2ErrorCode.InternalError;

    Http2ErrorCode IFrameSink.OnSettings(in Http2Settings settings)
    {
        FrameWriter.WriteSettingsAck(_output);
        return Http2ErrorCode.NoError;
    }

    Http2ErrorCode IFrameSink.OnSettingsAck() => Http2ErrorCode.NoError;

    Http2ErrorCode IFrameSink.OnPing(ulong opaque, bool ack)
    {
        if (!ack) FrameWriter.WritePing(_output, opaque, ack: true);
        return Http2ErrorCode.NoError;
    }

    Http2ErrorCode IFrameSink.OnGoAway(int lastStreamId, Http2ErrorCode code, ReadOnlySpan<byte> debug)
    {
        GoAway = (code, Encoding.ASCII.GetString(debug));
        return Http2ErrorCode.NoError;
    }

    Http2ErrorCode IFrameSink.OnReset(int streamId, Http2ErrorCode code)
    {
        Resets[streamId] = code;
        return Http2ErrorCode.NoError;
    }

    Http2ErrorCode IFrameSink.OnWindowUpdate(int streamId, int increment) => Http2ErrorCode.NoError;
}
