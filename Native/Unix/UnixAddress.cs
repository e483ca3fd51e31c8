using System.Text;
using Tmds.Linux;

namespace Ambient.Native.Unix;

/// <summary>A path as <c>sockaddr_un</c>: the family in host order, then the path with a closing zero. Source: unix(7).</summary>
internal static class UnixAddress
{
    /// <summary>sizeof(sockaddr_un): 2 bytes of family, 108 of path.</summary>
    internal const int MaxBytes = 110;

    /// <exception cref="ArgumentException">The path is empty, longer than 107 bytes, or holds a zero.</exception>
    internal static int Write(string path, Span<byte> into)
    {
        if (path.Length == 0 || path.Contains('\0', StringComparison.Ordinal) || Encoding.UTF8.GetByteCount(path) > MaxBytes - 3)
            throw new ArgumentException($"A unix socket's path has 1 to {MaxBytes - 3} bytes: '{path}'.", nameof(path));
        into[..MaxBytes].Clear();
        BitConverter.TryWriteBytes(into, (ushort)LibC.AF_UNIX);
        return 2 + Encoding.UTF8.GetBytes(path, into[2..]) + 1;
    }
}
