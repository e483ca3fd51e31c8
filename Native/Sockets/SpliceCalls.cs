using System.Runtime.InteropServices;
using Ambient.Native.Descriptors;
using Tmds.Linux;

namespace Ambient.Native.Sockets;

/// <summary>Moves bytes between sockets through a pipe without copying them into this process.</summary>
public static class SpliceCalls
{
    private static readonly uint MoveFlags = (uint)(LibC.SPLICE_F_MOVE | LibC.SPLICE_F_NONBLOCK);

    /// <summary>Moves bytes between two descriptors inside the kernel, one of which is a pipe.</summary>
    /// <param name="from">Socket or the pipe's read end; the pipe side never blocks, a socket must be non-blocking.</param>
    /// <param name="to">The pipe's write end or socket. A socket that the peer broke gives BrokenPipe; the runtime ignores SIGPIPE.</param>
    /// <param name="maxBytes">Upper bound for this call, in bytes, above 0.</param>
    /// <returns>PeerClosed on the source's end, WouldBlock on EAGAIN; never throws on what a network does. Source: splice(2).</returns>
    public static MoveResult Move(int from, int to, int maxBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxBytes);
        while (true)
        {
            nint moved;
            // SAFETY: both offsets are null, so the kernel touches no memory of ours.
            unsafe { moved = SocketImports.Splice(from, null, to, null, (nuint)maxBytes, MoveFlags); }
            if (moved >= 0)
                return MoveResult.Of((int)moved);
            var error = (Errno)Marshal.GetLastSystemError();
            if (error != Errno.Interrupted)
                return MoveResult.FromErrno(error);
        }
    }
}
