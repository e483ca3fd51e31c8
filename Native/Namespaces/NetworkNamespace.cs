using System.Runtime.InteropServices;
using Ambient.Native.Descriptors;
using Tmds.Linux;

namespace Ambient.Native.Namespaces;

/// <summary>
/// An open network namespace. The descriptor keeps the namespace alive, with its addresses: whoever holds one closes it when the
/// namespace's owner is gone. Source: namespaces(7), ioctl_nsfs(2).
/// </summary>
public sealed class NetworkNamespace : IDisposable
{
    private const int NetworkType = 0x40000000;          // CLONE_NEWNET
    private const nint NamespaceFileSystem = 0x6e736673; // NSFS_MAGIC
    private const nuint NamespaceTypeRequest = 0xb703;               // NS_GET_NSTYPE
    private const nint OpenAt2Number = 437;              // the same on every architecture
    private const ulong Beneath = 0x08, NoSymbolicLinks = 0x04;

    private readonly Descriptor _descriptor;

    private NetworkNamespace(Descriptor descriptor, NamespaceIdentity identity) => (_descriptor, Identity) = (descriptor, identity);

    /// <summary>The descriptor's number.</summary>
    public int Number => _descriptor.Number;

    /// <summary>Which namespace it is.</summary>
    public NamespaceIdentity Identity { get; }

    /// <summary>Opens a path, following links: for the kernel's own ones below /proc.</summary>
    /// <param name="reason">Empty, or why there is no namespace.</param>
    public static bool TryOpen(string path, out NetworkNamespace? opened, out string reason)
    {
        int number = NamespaceImports.Open(path, LibC.O_RDONLY | LibC.O_CLOEXEC | LibC.O_NONBLOCK | LibC.O_NOCTTY);
        return TryAdopt(number, path, out opened, out reason);
    }

    /// <summary>
    /// Opens what lies below a directory: the kernel refuses every symbolic link, every "..", and every way out. openat2(2), Linux 5.6.
    /// </summary>
    /// <param name="directory">A directory that only its administrator writes.</param>
    /// <param name="relative">The path below it.</param>
    /// <param name="reason">Empty, or why there is no namespace.</param>
    public static bool TryOpenBeneath(string directory, string relative, out NetworkNamespace? opened, out string reason)
    {
        opened = null;
        int root = NamespaceImports.Open(directory, LibC.O_PATH | LibC.O_DIRECTORY | LibC.O_CLOEXEC);
        if (root < 0)
        {
            reason = $"{directory}: {LastError()}";
            return false;
        }
        using var rootDescriptor = Descriptor.Adopt(root);
        int number;
        // SAFETY: `how` is open_how (three 64-bit fields: flags, mode, resolve) on this stack frame, and its size is passed along.
        unsafe
        {
            ulong* how = stackalloc ulong[3];
            how[0] = (ulong)(uint)(LibC.O_RDONLY | LibC.O_CLOEXEC | LibC.O_NONBLOCK | LibC.O_NOCTTY);
            how[1] = 0;
            how[2] = Beneath | NoSymbolicLinks;
            number = (int)NamespaceImports.OpenAt2(OpenAt2Number, root, relative, how, 3 * sizeof(ulong));
        }
        return TryAdopt(number, $"{directory}/{relative}", out opened, out reason);
    }

    /// <summary>Takes over a descriptor that somebody sent.</summary>
    /// <param name="reason">Empty, or why it is no network namespace; then the descriptor is closed.</param>
    public static bool TryAdopt(Descriptor descriptor, out NetworkNamespace? adopted, out string reason)
    {
        ArgumentNullException.ThrowIfNull(descriptor);
        return TryAdopt(descriptor, "the descriptor", out adopted, out reason);
    }

    /// <inheritdoc/>
    public void Dispose() => _descriptor.Dispose();

    private static bool TryAdopt(int number, string path, out NetworkNamespace? opened, out string reason)
    {
        opened = null;
        if (number < 0)
        {
            reason = $"{path}: {LastError()}";
            return false;
        }
        return TryAdopt(Descriptor.Adopt(number), path, out opened, out reason);
    }

    private static bool TryAdopt(Descriptor descriptor, string name, out NetworkNamespace? opened, out string reason)
    {
        opened = null;
        int number = descriptor.Number;
        if (IsNetworkNamespace(number) && NamespaceIdentity.TryOf(number, out var identity))
        {
            opened = new NetworkNamespace(descriptor, identity);
            reason = "";
            return true;
        }
        descriptor.Dispose();
        reason = $"{name} is no network namespace";
        return false;
    }

    private static unsafe bool IsNetworkNamespace(int number)
    {
        // The structure differs between architectures and has at most 120 bytes; its first field is f_type, a word, on all of them.
        nint* fileSystem = stackalloc nint[32];
        // SAFETY: 256 bytes on this stack frame, more than the kernel writes.
        return NamespaceImports.FileSystemOf(number, fileSystem) == 0 && fileSystem[0] == NamespaceFileSystem
            && NamespaceImports.Control(number, NamespaceTypeRequest) == NetworkType;
    }

    private static Errno LastError() => (Errno)Marshal.GetLastPInvokeError();
}
