using Ambient.NodeProxy.Http2;
using Ambient.NodeProxy.Http2.Hpack;

namespace Ambient.Bench.Micro.Http2;

/// <summary>Takes everything and keeps nothing: what is left is the parser's own cost.</summary>
internal sealed class SilentSink : IFrameSink
{
    public Http2ErrorCode OnData(int streamId, ReadOnlySpan<byte> chunk, int flowControlled, bool endStream) => Http2ErrorCode.NoError;

    public Http2ErrorCode OnHeaders(int streamId, HeaderList headers, bool endStream) => Http2ErrorCode.NoError;

    public Http2ErrorCode OnHeadersRefused(int streamId, string reason) => Http2ErrorCode.NoError;

    public Http2ErrorCode OnSettings(in Http2Settings settings) => Http2ErrorCode.NoError;

    public Http2ErrorCode OnSettingsAck() => Http2ErrorCode.NoError;

    public Http2ErrorCode OnPing(ulong opaque, bool ack) => Http2ErrorCode.NoError;

    public Http2ErrorCode OnGoAway(int lastStreamId, Http2ErrorCode code, ReadOnlySpan<byte> debug) => Http2ErrorCode.NoError;

    public Http2ErrorCode OnReset(int streamId, Http2ErrorCode code) => Http2ErrorCode.NoError;

    public Http2ErrorCode OnWindowUpdate(int streamId, int increment) => Http2ErrorCode.NoError;
}
