using System.Runtime.InteropServices;
using Ambient.Native.Descriptors;
using Tmds.Linux;

namespace Ambient.Native.Unix;

/// <summary>
/// A Unix SOCK_SEQPACKET listener at a path, non-blocking, open to one owner. The directory above must be one that only this process
/// may write: between bind and chown the path belongs to this user. Source: unix(7).
/// </summary>
public sealed class SeqPacketListener : IDisposable
{
    private const int Backlog = 16;

    private readonly Descriptor _socket;
    private readonly string _path;

    private SeqPacketListener(Descriptor socket, string path) => (_socket, _path) = (socket, path);

    /// <summary>The descriptor's number, to be watched by an epoll.</summary>
    public int Number => _socket.Number;

    /// <summary>Makes the listener; a socket left at the path by an ended process is replaced.</summary>
    /// <param name="path">At most 107 bytes.</param>
    /// <param name="mode">Permission bits, for example 0600.</param>
    /// <param name="userId">Owner of the path.</param>
    /// <param name="groupId">Group of the path; null leaves it.</param>
    /// <exception cref="SystemCallException">The path is not free or not writable, or chown is not allowed.</exception>
    public static unsafe SeqPacketListener Listen(string path, UnixFileMode mode, uint userId, uint? groupId = null)
    {
        var socket = SeqPacketSocket.Open();
        try
        {
            File.Delete(path);
            Span<byte> address = stackalloc byte[UnixAddress.MaxBytes];
            int length = UnixAddress.Write(path, address);
            int result;
            // SAFETY: the address is on this stack frame and `length` lies within it.
            fixed (byte* pointer = address) result = UnixImports.Bind(socket.Number, pointer, (uint)length);
            Check(result, "bind");
            // Nobody can connect before listen, so the rights are in place in time.
            Check(UnixImports.ChangeMode(path, (uint)mode), "chmod");
            Check(UnixImports.ChangeOwner(path, userId, groupId ?? uint.MaxValue), "chown");
            int flags = UnixImports.Control(socket.Number, LibC.F_GETFL, 0);
            Check(flags, "fcntl");
            Check(UnixImports.Control(socket.Number, LibC.F_SETFL, flags | LibC.O_NONBLOCK), "fcntl");
            Check(UnixImports.Listen(socket.Number, Backlog), "listen");
            return new SeqPacketListener(socket, path);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Takes the next connection, closed on exec and blocking until told otherwise. accept4(2).</summary>
    /// <param name="error">WouldBlock when none waits; anything else is this one connection's or the process's trouble.</param>
    public bool TryAccept(out SeqPacketSocket? connection, out Errno error)
    {
        int number;
        do
        {
            // SAFETY: no address is asked for, so the kernel touches no memory of ours.
            unsafe { number = UnixImports.Accept(Number, null, null, LibC.SOCK_CLOEXEC); }
            error = number >= 0 ? Errno.None : (Errno)Marshal.GetLastPInvokeError();
        }
        while (error == Errno.Interrupted);
        connection = number >= 0 ? SeqPacketSocket.Adopt(Descriptor.Adopt(number)) : null;
        return connection is not null;
    }

    /// <summary>Closes the listener and leaves the path: a successor may have put its own there.</summary>
    public void Dispose() => _socket.Dispose();

    /// <inheritdoc/>
    public override string ToString() => _path;

    private static void Check(int result, string call)
    {
        if (result < 0)
            throw new SystemCallException(call, (Errno)Marshal.GetLastPInvokeError());
    }
}
