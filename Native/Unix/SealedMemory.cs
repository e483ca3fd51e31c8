using System.Runtime.InteropServices;
using Ambient.Native.Descriptors;
using Microsoft.Win32.SafeHandles;
using Tmds.Linux;

namespace Ambient.Native.Unix;

/// <summary>
/// Memory passed between processes as a descriptor whose content and size nobody can change any more, so that what was checked is
/// what is read. It never touches a disk (swap aside). Source: memfd_create(2), fcntl(2) F_ADD_SEALS.
/// </summary>
public static class SealedMemory
{
    private const uint CloseOnExec = 1, AllowSealing = 2;

    /// <summary>MFD_NOEXEC_SEAL: Linux 6.3 and later; without it newer kernels write a warning into their log.</summary>
    private const uint NotExecutable = 8;

    private static int AllSeals => LibC.F_SEAL_SEAL | LibC.F_SEAL_SHRINK | LibC.F_SEAL_GROW | LibC.F_SEAL_WRITE;

    /// <summary>Makes a sealed copy of the content.</summary>
    /// <param name="name">For people who look into /proc; at most 249 bytes.</param>
    /// <exception cref="SystemCallException">No memory or no descriptor is left.</exception>
    public static Descriptor Create(string name, ReadOnlySpan<byte> content)
    {
        int number = UnixImports.MemoryFile(name, CloseOnExec | AllowSealing | NotExecutable);
        if (number < 0 && LastError() == Errno.InvalidArgument)
            number = UnixImports.MemoryFile(name, CloseOnExec | AllowSealing);
        if (number < 0)
            throw new SystemCallException("memfd_create", LastError());
        var memory = Descriptor.Adopt(number);
        try
        {
            using (var file = new SafeFileHandle(number, ownsHandle: false))
                RandomAccess.Write(file, content, 0);
            if (UnixImports.Control(number, LibC.F_ADD_SEALS, AllSeals) != 0)
                throw new SystemCallException("fcntl", LastError());
            return memory;
        }
        catch
        {
            memory.Dispose();
            throw;
        }
    }

    /// <summary>Checks seals and size without reading a byte.</summary>
    /// <param name="maxBytes">Largest size to accept.</param>
    /// <param name="bytes">The size, which cannot change any more.</param>
    /// <param name="reason">Empty, or why it is refused.</param>
    public static bool TryMeasure(Descriptor memory, long maxBytes, out long bytes, out string reason)
    {
        ArgumentNullException.ThrowIfNull(memory);
        bytes = 0;
        int seals = UnixImports.Control(memory.Number, LibC.F_GET_SEALS, 0);
        if (seals < 0)
        {
            reason = "not a memory file";
            return false;
        }
        if ((seals & AllSeals) != AllSeals)
        {
            reason = "not sealed against change";
            return false;
        }
        using var file = new SafeFileHandle(memory.Number, ownsHandle: false);
        bytes = RandomAccess.GetLength(file);
        reason = bytes <= maxBytes ? "" : $"{bytes} bytes, more than {maxBytes}";
        return reason.Length == 0;
    }

    /// <summary>Reads all of it, whoever made it: unsealed memory is refused, since its maker could change it behind a check.</summary>
    /// <param name="maxBytes">Largest size to accept.</param>
    /// <param name="reason">Empty, or why it is refused.</param>
    public static bool TryRead(Descriptor memory, int maxBytes, out byte[] content, out string reason)
    {
        content = [];
        if (!TryMeasure(memory, maxBytes, out long bytes, out reason))
            return false;
        var read = new byte[bytes];
        using var file = new SafeFileHandle(memory.Number, ownsHandle: false);
        for (int done = 0; done < read.Length;)
        {
            int some = RandomAccess.Read(file, read.AsSpan(done), done);
            if (some == 0)
            {
                reason = "shorter than its size says";
                return false;
            }
            done += some;
        }
        content = read;
        return true;
    }

    private static Errno LastError() => (Errno)Marshal.GetLastPInvokeError();
}
