namespace Ambient.NodeProxy.Http2.Hpack;

/// <summary>How a field may be represented (RFC 7541 section 6).</summary>
public enum HeaderIndexing : byte
{
    /// <summary>It may enter the dynamic table: values that come again.</summary>
    Allowed,

    /// <summary>Literal, without entering the table: values that hardly come again, such as a trace id.</summary>
    Skipped,

    /// <summary>
    /// Literal on every hop: a secret that must not be guessed through compression (section 7.1.3). Decoded fields keep it,
    /// so that passing them on keeps it too.
    /// </summary>
    Never,
}
