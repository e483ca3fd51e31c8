using System.Runtime.InteropServices;
using Ambient.Native.Descriptors;
using Tmds.Linux;

namespace Ambient.Native.Unix;

/// <summary>
/// A copy of a descriptor that child processes keep under the same number, for as long as this object lives. Every child started meanwhile
/// gets it, so whoever holds one starts the meant child and nothing else. Source: fcntl(2), F_DUPFD.
/// </summary>
public static class InheritedDescriptor
{
    /// <summary>Makes the copy, numbered beyond the three standard streams.</summary>
    /// <exception cref="SystemCallException">No descriptor is left.</exception>
    public static Descriptor Of(int number)
    {
        int copy = UnixImports.Control(number, LibC.F_DUPFD, 3);
        return copy >= 0 ? Descriptor.Adopt(copy) : throw new SystemCallException("fcntl", (Errno)Marshal.GetLastPInvokeError());
    }
}
