using System.Runtime.InteropServices;
using Ambient.Native.Descriptors;
using Tmds.Linux;

namespace Ambient.Native.Unix;

/// <summary>A second number for the same open file, closed on its own. Source: fcntl(2), F_DUPFD_CLOEXEC.</summary>
public static class DescriptorCopy
{
    /// <exception cref="SystemCallException">No descriptor is left.</exception>
    public static Descriptor Of(int number)
    {
        int copy = UnixImports.Control(number, LibC.F_DUPFD_CLOEXEC, 0);
        return copy >= 0 ? Descriptor.Adopt(copy) : throw new SystemCallException("fcntl", (Errno)Marshal.GetLastPInvokeError());
    }
}
