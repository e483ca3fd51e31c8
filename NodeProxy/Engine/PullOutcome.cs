namespace Ambient.NodeProxy.Engine;

/// <summary>What a source had when it was asked for bytes.</summary>
internal enum PullOutcome
{
    /// <summary>At least one byte was placed.</summary>
    Bytes,

    /// <summary>Nothing now. The source calls <see cref="IByteSink.SourceReady"/> when that changes.</summary>
    Empty,

    /// <summary>A clean end (FIN, END_STREAM). No byte follows.</summary>
    End,

    /// <summary>An abortive end (RST, lost link). Whoever pulls passes it on as one; it never becomes <see cref="End"/>.</summary>
    Broken,
}
