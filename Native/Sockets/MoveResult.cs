using Ambient.Native.Descriptors;

namespace Ambient.Native.Sockets;

/// <summary>How a move between two descriptors ended.</summary>
public enum MoveOutcome
{
    /// <summary>At least one byte moved.</summary>
    Moved,

    /// <summary>The source is empty or the target full; one call cannot tell which.</summary>
    WouldBlock,

    /// <summary>The source is at its end.</summary>
    PeerClosed,

    /// <summary>The connection is broken, see the error.</summary>
    Failed,
}

/// <summary>What a move inside the kernel brought.</summary>
/// <param name="Outcome">What to do next.</param>
/// <param name="Bytes">How many bytes moved; above 0 exactly for <see cref="MoveOutcome.Moved"/>.</param>
/// <param name="Error">Why it failed; <see cref="Errno.None"/> otherwise.</param>
public readonly record struct MoveResult(MoveOutcome Outcome, int Bytes, Errno Error)
{
    internal static MoveResult Of(int bytes) => new(bytes > 0 ? MoveOutcome.Moved : MoveOutcome.PeerClosed, bytes, Errno.None);

    internal static MoveResult FromErrno(Errno error) =>
        error == Errno.WouldBlock ? new(MoveOutcome.WouldBlock, 0, Errno.None) : new(MoveOutcome.Failed, 0, error);
}
