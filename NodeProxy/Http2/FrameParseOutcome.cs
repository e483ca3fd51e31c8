namespace Ambient.NodeProxy.Http2;

/// <summary>How a call of <see cref="FrameParser.Feed"/> ended.</summary>
/// <param name="Error">NoError, or the connection error to send in a GOAWAY.</param>
/// <param name="Reason">What was wrong, for a log and for GOAWAY's debug data; empty without an error.</param>
public readonly record struct FrameParseOutcome(Http2ErrorCode Error, string Reason)
{
    /// <summary>Everything was read; more may come.</summary>
    public static FrameParseOutcome Ok => new(Http2ErrorCode.NoError, "");

    /// <summary>Whether the connection may go on.</summary>
    public bool IsOk => Error == Http2ErrorCode.NoError;
}
