using Ambient.NodeProxy.Http2.Hpack;

namespace Ambient.NodeProxy.Http2;

/// <summary>
/// Receives what a <see cref="FrameParser"/> reads, in the order of the wire, on the caller's thread, inside
/// <see cref="FrameParser.Feed"/>. Spans and header lists are valid during the call only. Every method answers
/// <see cref="Http2ErrorCode.NoError"/> to go on; any other answer ends the connection with that code. Stream errors are
/// the sink's own affair: it resets the stream and answers NoError.
/// </summary>
public interface IFrameSink
{
    /// <summary>A piece of a DATA payload; a frame may come in several.</summary>
    /// <param name="streamId">At least 1.</param>
    /// <param name="chunk">Bytes without padding; may be empty.</param>
    /// <param name="flowControlled">
    /// What the whole frame takes from both windows, in bytes, padding and its length byte included: with the first piece
    /// of a frame, 0 with the others.
    /// </param>
    /// <param name="endStream">The peer's half ends with this piece.</param>
    Http2ErrorCode OnData(int streamId, ReadOnlySpan<byte> chunk, int flowControlled, bool endStream);

    /// <summary>A whole header block: request, response or trailers. <see cref="HeaderRules"/> has not looked at it.</summary>
    Http2ErrorCode OnHeaders(int streamId, HeaderList headers, bool endStream);

    /// <summary>
    /// A header block beyond the limits. HPACK's state is in step, so only the stream suffers: answer 431 or reset it.
    /// </summary>
    /// <param name="streamId">At least 1.</param>
    /// <param name="reason">Which limit, for a person.</param>
    Http2ErrorCode OnHeadersRefused(int streamId, string reason);

    /// <summary>
    /// The peer's SETTINGS as they are now, all of them. The sink owes an acknowledgement, and every open stream the
    /// difference between this initial window and the last (RFC 9113 section 6.9.2).
    /// </summary>
    Http2ErrorCode OnSettings(in Http2Settings settings);

    /// <summary>The peer acknowledged our SETTINGS.</summary>
    Http2ErrorCode OnSettingsAck();

    /// <summary>A PING, which the sink answers, or the answer to its own.</summary>
    Http2ErrorCode OnPing(ulong opaque, bool ack);

    /// <summary>The peer is going. Streams of ours above <paramref name="lastStreamId"/> were not processed and may be retried.</summary>
    Http2ErrorCode OnGoAway(int lastStreamId, Http2ErrorCode code, ReadOnlySpan<byte> debug);

    /// <summary>The peer ended a stream at once, both halves.</summary>
    Http2ErrorCode OnReset(int streamId, Http2ErrorCode code);

    /// <summary>More window: for the connection (0) or a stream.</summary>
    /// <param name="streamId">0 or a stream.</param>
    /// <param name="increment">1 to 2^31-1 bytes. A sum above 2^31-1 is the sink's to notice (section 6.9.1).</param>
    Http2ErrorCode OnWindowUpdate(int streamId, int increment);
}
