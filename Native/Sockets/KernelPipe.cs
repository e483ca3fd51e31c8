using System.Runtime.InteropServices;
using Ambient.Native.Descriptors;
using Tmds.Linux;

namespace Ambient.Native.Sockets;

/// <summary>
/// A pipe for <see cref="SpliceCalls"/>, non-blocking at both ends. A loop owns a few and empties them every turn: an unprivileged
/// user gets about 64 of 1 MiB, then only small ones. Source: pipe(7).
/// </summary>
public sealed class KernelPipe : IDisposable
{
    private readonly Descriptor _readEnd;
    private readonly Descriptor _writeEnd;

    private KernelPipe(int readEnd, int writeEnd)
    {
        _readEnd = Descriptor.Adopt(readEnd);
        _writeEnd = Descriptor.Adopt(writeEnd);
        CapacityBytes = Math.Max(0, SocketImports.Control(writeEnd, LibC.F_GETPIPE_SZ, 0));
    }

    /// <summary>Where bytes come out.</summary>
    public int ReadEnd => _readEnd.Number;

    /// <summary>Where bytes go in.</summary>
    public int WriteEnd => _writeEnd.Number;

    /// <summary>How many bytes the kernel grants this pipe, which may be less than was asked for.</summary>
    public int CapacityBytes { get; }

    /// <summary>Makes a pipe. pipe2(2), F_SETPIPE_SZ of fcntl(2).</summary>
    /// <param name="wantedBytes">The size to ask for; beyond the user's limits the kernel's default stays.</param>
    /// <exception cref="SystemCallException">No descriptor is left.</exception>
    public static unsafe KernelPipe Create(int wantedBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(wantedBytes);
        int* ends = stackalloc int[2];
        // SAFETY: both numbers are on this stack frame.
        if (SocketImports.Pipe(ends, LibC.O_CLOEXEC | LibC.O_NONBLOCK) < 0)
            throw new SystemCallException("pipe2", (Errno)Marshal.GetLastSystemError());
        // EPERM: over the limit of /proc/sys/fs/pipe-max-size or pipe-user-pages-soft. CapacityBytes tells.
        _ = SocketImports.Control(ends[1], LibC.F_SETPIPE_SZ, wantedBytes);
        return new KernelPipe(ends[0], ends[1]);
    }

    /// <summary>Takes bytes out. read(2).</summary>
    /// <param name="into">Not empty.</param>
    /// <returns>How many; 0 when nothing is in it.</returns>
    /// <exception cref="SystemCallException">The pipe is broken, which only a mistake of ours can do.</exception>
    public unsafe int Read(Span<byte> into)
    {
        ArgumentOutOfRangeException.ThrowIfZero(into.Length);
        while (true)
        {
            nint read;
            // SAFETY: the span is pinned for the call, and its length bounds what the kernel writes.
            fixed (byte* pointer = into) read = SocketImports.Read(ReadEnd, pointer, (nuint)into.Length);
            if (read >= 0)
                return (int)read;
            var error = (Errno)Marshal.GetLastSystemError();
            if (error == Errno.WouldBlock)
                return 0;
            if (error != Errno.Interrupted)
                throw new SystemCallException("read", error);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _readEnd.Dispose();
        _writeEnd.Dispose();
    }
}
