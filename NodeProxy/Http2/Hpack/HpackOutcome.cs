namespace Ambient.NodeProxy.Http2.Hpack;

/// <summary>How decoding a header block went.</summary>
public enum HpackOutcome
{
    /// <summary>The list is complete.</summary>
    Decoded,

    /// <summary>The list is beyond the limit; the block was read to its end, so that the tables stay in step.</summary>
    TooLarge,

    /// <summary>The block breaks the rules; the connection cannot go on (RFC 9113, section 4.3).</summary>
    Malformed,
}
