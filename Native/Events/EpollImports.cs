using System.Runtime.InteropServices;
using Ambient.Native.Descriptors;

namespace Ambient.Native.Events;

/// <summary>
/// The bare calls. None sets the last error by itself: the caller asks <see cref="Marshal.GetLastSystemError"/> at once, and only
/// after a failure (40 ns a call saved, facts/linux-and-dotnet.md section 8).
/// </summary>
internal static unsafe partial class EpollImports
{
    /// <summary>epoll_create1(2).</summary>
    [LibraryImport("libc", EntryPoint = "epoll_create1")]
    internal static partial int Create(int flags);

    /// <summary>epoll_ctl(2).</summary>
    [LibraryImport("libc", EntryPoint = "epoll_ctl")]
    internal static partial int Control(int epoll, int operation, int fd, byte* epollEvent);

    /// <summary>epoll_wait(2).</summary>
    [LibraryImport("libc", EntryPoint = "epoll_wait")]
    internal static partial int Wait(int epoll, byte* events, int maxEvents, int timeoutMilliseconds);

    /// <summary>ppoll(2), with no change of signals.</summary>
    [LibraryImport("libc", EntryPoint = "ppoll")]
    internal static partial int Poll(void* descriptors, nuint count, void* time, void* signals);

    /// <summary>eventfd(2).</summary>
    [LibraryImport("libc", EntryPoint = "eventfd")]
    internal static partial int EventDescriptor(uint initial, int flags);

    /// <summary>write(2), with the descriptor held open for the call.</summary>
    [LibraryImport("libc", EntryPoint = "write")]
    internal static partial nint Write(Descriptor fd, ulong* value, nuint bytes);

    /// <summary>read(2), with the descriptor held open for the call.</summary>
    [LibraryImport("libc", EntryPoint = "read")]
    internal static partial nint Read(Descriptor fd, ulong* value, nuint bytes);
}
