using Ambient.NodeProxy.Http2.Hpack;

namespace Ambient.NodeProxy.Http2;

/// <summary>Takes what a parser has understood. Any answer but NoError ends the connection with that error.</summary>
public interface IFrameSink
{
    /// <param name="streamId">The stream.</param>
    /// <param name="chunk">Payload as it arrives; valid during the call; may be empty.</param>
    /// <param name="flowControlled">What the frame counts in windows, padding included; said with its first chunk, then 0.</param>
    /// <param name="endStream">With the last chunk of a frame that ends the stream.</param>
    Http2ErrorCode OnData(int streamId, ReadOnlySpan<byte> chunk, int flowControlled, bool endStream);

    /// <param name="streamId">The stream.</param>
    /// <param name="headers">Decoded; valid during the call.</param>
    /// <param name="endStream">Nothing follows.</param>
    Http2ErrorCode OnHeaders(int streamId, HeaderList headers, bool endStream);

    /// <summary>A header list beyond our limit: the stream is refused, the connection goes on.</summary>
    Http2ErrorCode OnHeadersRefused(int streamId, string reason);

    Http2ErrorCode OnSettings(in Http2Settings settings);

    Http2ErrorCode OnSettingsAck();

    Http2ErrorCode OnPing(ulong opaque, bool ack);

    Http2ErrorCode OnGoAway(int lastStreamId, Http2ErrorCode code, ReadOnlySpan<byte> debug);

    Http2ErrorCode OnReset(int streamId, Http2ErrorCode code);

    Http2ErrorCode OnWindowUpdate(int streamId, int increment);
}
