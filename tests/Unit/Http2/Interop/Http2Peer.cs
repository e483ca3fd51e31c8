using System.Buffers;
using Ambient.NodeProxy.Http2;
using Ambient.NodeProxy.Http2.Hpack;
using Ambient.Tests.Unit.Http2.Hpack;

namespace Ambient.Tests.Unit.Http2.Interop;

/// <summary>
/// The codec as a whole HTTP/2 endpoint on a stream, as plain as it can be, for conversations with other implementations.
/// Returns window on receipt and honours the peer's. Not for several threads.
/// </summary>
internal sealed class Http2Peer : IFrameSink
{
    private static readonly Http2Settings Ours = new() { EnablePush = false, MaxFrameSize = 32_768, HeaderTableSize = 2_048 };

    private readonly Stream _stream;
    private readonly bool _isServer;
    private readonly FrameParser _parser;
    private readonly HpackEncoder _encoder = new();
    private readonly ArrayBufferWriter<byte> _output = new();
    private readonly Dictionary<int, long> _windows = [];
    private readonly byte[] _received = new byte[7_000];
    private long _window = Http2Settings.DefaultInitialWindowSize;

    public Http2Peer(Stream stream, bool isServer)
    {
        _stream = stream;
        _isServer = isServer;
        var limits = new FrameParserLimits { MaxFrameSize = Ours.MaxFrameSize, HeaderTableBytes = Ours.HeaderTableSize };
        _parser = new FrameParser(limits, isServer);
        if (!isServer)
            FrameWriter.WritePreface(_output);
        FrameWriter.WriteSettings(_output, Ours);
    }

    /// <summary>Header lists by stream, in their order, each checked by <see cref="HeaderRules"/>.</summary>
    public Dictionary<int, List<string[]>> Headers { get; } = [];

    /// <summary>Bytes by stream.</summary>
    public Dictionary<int, MemoryStream> Data { get; } = [];

    /// <summary>Streams that the peer ended.</summary>
    public HashSet<int> Ended { get; } = [];

    /// <summary>Streams that the peer reset.</summary>
    public Dictionary<int, Http2ErrorCode> Resets { get; } = [];

    public bool WasAcknowledged { get; private set; }

    public bool IsGoing { get; private set; }

    public int Pongs { get; private set; }

    public void SendHeaders(int streamId, bool endStream, params string[] lines)
    {
        var block = new ArrayBufferWriter<byte>();
        _encoder.Encode(HeaderText.List(lines), block);
        FrameWriter.WriteHeaders(_output, streamId, block.WrittenSpan, endStream, _parser.PeerSettings.MaxFrameSize);
    }

    public void SendPing() => FrameWriter.WritePing(_output, 42, ack: false);

    public void SendReset(int streamId, Http2ErrorCode code) => FrameWriter.WriteRstStream(_output, streamId, code);

    public async Task SendData(int streamId, ReadOnlyMemory<byte> bytes, bool endStream, CancellationToken stop)
    {
        do
        {
            await PumpUntil(() => bytes.IsEmpty || (_window > 0 && WindowOf(streamId) > 0), stop);
            int length = (int)Math.Min(Math.Min(bytes.Length, _parser.PeerSettings.MaxFrameSize), Math.Min(_window, WindowOf(streamId)));
            Span<byte> room = _output.GetSpan(FrameHeader.Size + length);
            FrameWriter.WriteDataHeader(room, streamId, length, endStream && length == bytes.Length);
            bytes.Span[..length].CopyTo(room[FrameHeader.Size..]);
            _output.Advance(FrameHeader.Size + length);
            _window -= length;
            _windows[streamId] = WindowOf(streamId) - length;
            bytes = bytes[length..];
        }
        while (!bytes.IsEmpty);
        await Flush(stop);
    }

    /// <summary>Writes what waits and reads until something is true.</summary>
    public async Task PumpUntil(Func<bool> isDone, CancellationToken stop)
    {
        await Flush(stop);
        while (!isDone())
        {
            int length = await _stream.ReadAsync(_received, stop);
            Assert(length > 0, "the peer closed the connection");
            FrameParseOutcome outcome = _parser.Feed(_received.AsSpan(0, length), this, Environment.TickCount64 * TimeSpan.TicksPerMillisecond);
            Assert(outcome.IsOk, outcome.Reason);
            await Flush(stop);
        }
    }

    /// <summary>Writes what waits and reads until the peer closes.</summary>
    public async Task PumpUntilClosed(CancellationToken stop)
    {
        await Flush(stop);
        while (await _stream.ReadAsync(_received, stop) is > 0 and int length)
        {
            FrameParseOutcome outcome = _parser.Feed(_received.AsSpan(0, length), this, Environment.TickCount64 * TimeSpan.TicksPerMillisecond);
            Assert(outcome.IsOk, outcome.Reason);
        }
    }

    public Http2ErrorCode OnData(int streamId, ReadOnlySpan<byte> chunk, int flowControlled, bool endStream)
    {
        BytesOf(streamId).Write(chunk);
        if (flowControlled > 0)
        {
            FrameWriter.WriteWindowUpdate(_output, 0, flowControlled);
            if (!endStream)
                FrameWriter.WriteWindowUpdate(_output, streamId, flowControlled);
        }

        return End(streamId, endStream);
    }

    public Http2ErrorCode OnHeaders(int streamId, HeaderList headers, bool endStream)
    {
        if (!Headers.TryGetValue(streamId, out List<string[]>? lists))
            Headers.Add(streamId, lists = []);
        HeaderFault fault = lists.Count > 0 ? HeaderRules.CheckTrailers(headers)
            : _isServer ? HeaderRules.CheckRequest(headers)
            : HeaderRules.CheckResponse(headers);
        Assert(fault == HeaderFault.None, $"{HeaderRules.Explain(fault)}: {string.Join(" | ", HeaderText.Lines(headers))}");
        lists.Add(HeaderText.Lines(headers));
        BytesOf(streamId);
        return End(streamId, endStream);
    }

    public Http2ErrorCode OnHeadersRefused(int streamId, string reason) => Http2ErrorCode.InternalError;

    public Http2ErrorCode OnSettings(in Http2Settings settings)
    {
        _encoder.PeerLimitChanged(settings.HeaderTableSize);
        FrameWriter.WriteSettingsAck(_output);
        return Http2ErrorCode.NoError;
    }

    public Http2ErrorCode OnSettingsAck()
    {
        WasAcknowledged = true;
        return Http2ErrorCode.NoError;
    }

    public Http2ErrorCode OnPing(ulong opaque, bool ack)
    {
        if (ack)
            Pongs++;
        else
            FrameWriter.WritePing(_output, opaque, ack: true);
        return Http2ErrorCode.NoError;
    }

    public Http2ErrorCode OnGoAway(int lastStreamId, Http2ErrorCode code, ReadOnlySpan<byte> debug)
    {
        IsGoing = true;
        return code;
    }

    public Http2ErrorCode OnReset(int streamId, Http2ErrorCode code)
    {
        Resets[streamId] = code;
        return Http2ErrorCode.NoError;
    }

    public Http2ErrorCode OnWindowUpdate(int streamId, int increment)
    {
        if (streamId == 0)
            _window += increment;
        else
            _windows[streamId] = WindowOf(streamId) + increment;
        return Http2ErrorCode.NoError;
    }

    // The initial size comes with the first SETTINGS and these peers do not change it later.
    private long WindowOf(int streamId) => _windows.GetValueOrDefault(streamId, _parser.PeerSettings.InitialWindowSize);

    private MemoryStream BytesOf(int streamId)
    {
        if (!Data.TryGetValue(streamId, out MemoryStream? bytes))
            Data.Add(streamId, bytes = new MemoryStream());
        return bytes;
    }

    private Http2ErrorCode End(int streamId, bool endStream)
    {
        if (endStream)
            Ended.Add(streamId);
        return Http2ErrorCode.NoError;
    }

    private async Task Flush(CancellationToken stop)
    {
        if (_output.WrittenCount == 0)
            return;
        await _stream.WriteAsync(_output.WrittenMemory, stop);
        _output.ResetWrittenCount();
    }

    private static void Assert(bool isTrue, string otherwise)
    {
        if (!isTrue)
            throw new InvalidOperationException(otherwise);
    }
}
