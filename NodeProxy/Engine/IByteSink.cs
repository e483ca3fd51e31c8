namespace Ambient.NodeProxy.Engine;

/// <summary>Where bytes go.</summary>
internal interface IByteSink
{
    /// <summary>The source has bytes or an end: the sink pulls at its next turn, which gathers what came in the same batch.</summary>
    void SourceReady();

    /// <summary>
    /// Takes bytes at once, without keeping any: the way of a stream's payload into an idle socket, one copy less than pulling.
    /// </summary>
    /// <returns>How many were taken; 0 when the sink is busy. The source keeps the rest for <see cref="IByteSource.Pull"/>.</returns>
    int Push(ReadOnlySpan<byte> bytes);
}
