using System.Runtime.InteropServices;

namespace Ambient.Native.Descriptors;

/// <summary>
/// A file descriptor with an owner: closed once, by whoever holds it last. A loop that takes a descriptor over calls
/// <see cref="Detach"/> and answers for closing it from then on.
/// </summary>
public sealed partial class Descriptor : SafeHandle
{
    private Descriptor(int number) : base(-1, ownsHandle: true) => SetHandle(number);

    /// <inheritdoc/>
    public override bool IsInvalid => handle < 0;

    /// <summary>The descriptor's number, valid while this object is neither closed nor detached.</summary>
    /// <exception cref="ObjectDisposedException">It is closed or was detached.</exception>
    public int Number
    {
        get
        {
            ObjectDisposedException.ThrowIf(IsClosed || IsInvalid, this);
            return (int)handle;
        }
    }

    /// <summary>Takes ownership of an open descriptor.</summary>
    public static Descriptor Adopt(int number)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(number);
        return new Descriptor(number);
    }

    /// <summary>Gives the descriptor away: this object no longer closes it.</summary>
    /// <returns>The number, which the caller now owns.</returns>
    public int Detach()
    {
        int number = Number;
        SetHandleAsInvalid();
        return number;
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle() => Close((int)handle) == 0;

    /// <summary>close(2). EINTR is not retried: on Linux the descriptor is gone either way.</summary>
    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int number);
}
