using System.Runtime.InteropServices;
using Ambient.Native.Descriptors;
using Tmds.Linux;

namespace Ambient.Native.Processes;

/// <summary>A lock on a file that ends with its process, however that ends. Source: flock(2).</summary>
public sealed class FileLock : IDisposable
{
    private const int Exclusive = 2, WithoutWaiting = 4;

    private readonly Descriptor _file;

    private FileLock(Descriptor file) => _file = file;

    /// <summary>Takes the lock if nobody has it; the file is made if it is missing (0600).</summary>
    /// <returns>Null when somebody else has it.</returns>
    /// <exception cref="SystemCallException">The file cannot be opened.</exception>
    public static FileLock? TryTake(string path)
    {
        int number = ProcessImports.Open(path, LibC.O_RDWR | LibC.O_CREAT | LibC.O_CLOEXEC | LibC.O_NOFOLLOW, 0x180 /* 0600 */);
        if (number < 0)
            throw new SystemCallException("open", (Errno)Marshal.GetLastPInvokeError());
        var file = Descriptor.Adopt(number);
        if (ProcessImports.Lock(number, Exclusive | WithoutWaiting) == 0)
            return new FileLock(file);
        var error = (Errno)Marshal.GetLastPInvokeError();
        file.Dispose();
        return error is Errno.WouldBlock or Errno.Interrupted ? null : throw new SystemCallException("flock", error);
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();
}
