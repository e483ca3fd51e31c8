using System.Runtime.InteropServices;
using Tmds.Linux;

namespace Ambient.Native.Sockets;

/// <summary>
/// The bare calls. None sets the last error by itself: the caller asks <see cref="Marshal.GetLastSystemError"/> at once, and only
/// after a failure. Own declarations instead of the package's, which set it every time.
/// </summary>
internal static unsafe partial class SocketImports
{
    /// <summary>recv(2).</summary>
    [LibraryImport("libc", EntryPoint = "recv")]
    internal static partial nint Receive(int fd, byte* into, nuint bytes, int flags);

    /// <summary>send(2).</summary>
    [LibraryImport("libc", EntryPoint = "send")]
    internal static partial nint Send(int fd, byte* from, nuint bytes, int flags);

    /// <summary>sendmsg(2).</summary>
    [LibraryImport("libc", EntryPoint = "sendmsg")]
    internal static partial nint SendMessage(int fd, msghdr* message, int flags);

    /// <summary>accept4(2).</summary>
    [LibraryImport("libc", EntryPoint = "accept4")]
    internal static partial int Accept(int fd, byte* address, uint* addressBytes, int flags);

    /// <summary>bind(2).</summary>
    [LibraryImport("libc", EntryPoint = "bind")]
    internal static partial int Bind(int fd, byte* address, uint addressBytes);

    /// <summary>connect(2).</summary>
    [LibraryImport("libc", EntryPoint = "connect")]
    internal static partial int Connect(int fd, byte* address, uint addressBytes);

    /// <summary>getsockname(2).</summary>
    [LibraryImport("libc", EntryPoint = "getsockname")]
    internal static partial int LocalName(int fd, byte* address, uint* addressBytes);

    /// <summary>getpeername(2).</summary>
    [LibraryImport("libc", EntryPoint = "getpeername")]
    internal static partial int PeerName(int fd, byte* address, uint* addressBytes);

    /// <summary>getsockopt(2).</summary>
    [LibraryImport("libc", EntryPoint = "getsockopt")]
    internal static partial int GetOption(int fd, int level, int option, void* value, uint* valueBytes);

    /// <summary>setsockopt(2).</summary>
    [LibraryImport("libc", EntryPoint = "setsockopt")]
    internal static partial int SetOption(int fd, int level, int option, void* value, uint valueBytes);

    /// <summary>shutdown(2).</summary>
    [LibraryImport("libc", EntryPoint = "shutdown")]
    internal static partial int Shutdown(int fd, int how);

    /// <summary>close(2).</summary>
    [LibraryImport("libc", EntryPoint = "close")]
    internal static partial int Close(int fd);

    /// <summary>pipe2(2).</summary>
    [LibraryImport("libc", EntryPoint = "pipe2")]
    internal static partial int Pipe(int* ends, int flags);

    /// <summary>fcntl(2), the commands whose argument is an int. A variadic call whose integer arguments travel like fixed ones on Linux x64 and arm64.</summary>
    [LibraryImport("libc", EntryPoint = "fcntl")]
    internal static partial int Control(int fd, int command, int argument);

    /// <summary>read(2).</summary>
    [LibraryImport("libc", EntryPoint = "read")]
    internal static partial nint Read(int fd, byte* into, nuint bytes);

    /// <summary>splice(2).</summary>
    [LibraryImport("libc", EntryPoint = "splice")]
    internal static partial nint Splice(int from, long* fromOffset, int to, long* toOffset, nuint bytes, uint flags);
}
