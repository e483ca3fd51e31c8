using Tmds.Linux;

namespace Ambient.Native.Namespaces;

/// <summary>Which namespace it is: two descriptors or paths mean the same one when both numbers agree. Source: namespaces(7).</summary>
/// <param name="Device">Device of the nsfs file system.</param>
/// <param name="Inode">The namespace's number, given out again only after it ended.</param>
public readonly record struct NamespaceIdentity(ulong Device, ulong Inode)
{
    /// <summary>Looks at what a path names now. stat(2).</summary>
    /// <returns>False when there is nothing, or nothing that may be looked at.</returns>
    public static unsafe bool TryOf(string path, out NamespaceIdentity identity)
    {
        ArgumentNullException.ThrowIfNull(path);
        Span<byte> name = stackalloc byte[System.Text.Encoding.UTF8.GetMaxByteCount(path.Length) + 1];
        name[System.Text.Encoding.UTF8.GetBytes(path, name)] = 0;
        stat found;
        int result;
        // SAFETY: the name is on this stack frame and ends with a zero; the structure is on this stack frame.
        fixed (byte* pointer = name) result = LibC.stat(pointer, &found);
        identity = result == 0 ? new NamespaceIdentity((ulong)found.st_dev, (ulong)found.st_ino) : default;
        return result == 0;
    }

    internal static unsafe bool TryOf(int fd, out NamespaceIdentity identity)
    {
        stat found;
        // SAFETY: the structure is on this stack frame.
        int result = LibC.fstat(fd, &found);
        identity = result == 0 ? new NamespaceIdentity((ulong)found.st_dev, (ulong)found.st_ino) : default;
        return result == 0;
    }
}
