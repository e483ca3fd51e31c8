using System.Runtime.InteropServices;
using Ambient.Native.Descriptors;
using Tmds.Linux;

namespace Ambient.Native.Unix;

/// <summary>
/// Descriptors in the control part of a message: a header of pointer-sized length, level and type, then the numbers, the whole
/// rounded up to the pointer size. Source: cmsg(3), unix(7).
/// </summary>
internal static class ControlMessage
{
    private static int Header => IntPtr.Size + 8;

    /// <summary>Room for that many descriptors (CMSG_SPACE).</summary>
    internal static int Space(int descriptors) => Aligned(Header + descriptors * sizeof(int));

    /// <summary>Fills <paramref name="control"/>, which is <see cref="Space"/> long.</summary>
    internal static void WriteDescriptors(Span<byte> control, ReadOnlySpan<int> descriptors)
    {
        control.Clear();
        nint length = Header + descriptors.Length * sizeof(int);
        MemoryMarshal.Write(control, length);
        MemoryMarshal.Write(control[IntPtr.Size..], LibC.SOL_SOCKET);
        MemoryMarshal.Write(control[(IntPtr.Size + 4)..], LibC.SCM_RIGHTS);
        MemoryMarshal.AsBytes(descriptors).CopyTo(control[Header..]);
    }

    /// <summary>Adopts every descriptor in it. Other kinds of control messages are skipped; a length that cannot be ends the walk.</summary>
    internal static void ReadDescriptors(ReadOnlySpan<byte> control, List<Descriptor> into)
    {
        while (control.Length >= Header)
        {
            nint length = MemoryMarshal.Read<nint>(control);
            if (length < Header || length > control.Length)
                return;
            int level = MemoryMarshal.Read<int>(control[IntPtr.Size..]);
            int type = MemoryMarshal.Read<int>(control[(IntPtr.Size + 4)..]);
            if (level == LibC.SOL_SOCKET && type == LibC.SCM_RIGHTS)
                foreach (int number in MemoryMarshal.Cast<byte, int>(control[Header..(int)length]))
                    into.Add(Descriptor.Adopt(number));
            control = control[Math.Min(control.Length, Aligned((int)length))..];
        }
    }

    private static int Aligned(int bytes) => (bytes + IntPtr.Size - 1) & ~(IntPtr.Size - 1);
}
