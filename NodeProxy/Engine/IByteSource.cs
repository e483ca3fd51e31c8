namespace Ambient.NodeProxy.Engine;

/// <summary>
/// Where bytes come from, asked by the sink when it can take some. Pulling instead of pushing is what bounds memory: bytes stay
/// in the kernel until the other side has room, and a link's writer can place them straight behind a frame header.
/// </summary>
internal interface IByteSource
{
    /// <summary>Places bytes at the start of <paramref name="into"/>.</summary>
    /// <param name="into">Room for at least one byte.</param>
    /// <param name="bytes">How many were placed; 0 unless the outcome is <see cref="PullOutcome.Bytes"/>.</param>
    PullOutcome Pull(Span<byte> into, out int bytes);
}
