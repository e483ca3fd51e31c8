namespace Ambient.NodeProxy.Http2;

/// <summary>How parsing went.</summary>
/// <param name="Error">NoError, or the error that ends the connection.</param>
/// <param name="Reason">Why, for a person; empty for NoError.</param>
public readonly record struct FrameParseOutcome(Http2ErrorCode Error, string Reason)
{
    public static FrameParseOutcome Ok => new(Http2ErrorCode.NoError, "");
}
