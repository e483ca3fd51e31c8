using System.Runtime.InteropServices;

namespace Ambient.Native.Netlink;

/// <summary>
/// Builds one message: a header of 16 bytes (length, type, flags, sequence, port id; host order), the family's own header, then attributes
/// (length, type, value, each rounded up to 4 bytes). Source: netlink(7).
/// </summary>
internal ref struct NetlinkRequest
{
    internal const ushort IsRequest = 1, WantsAck = 4, Replace = 0x100, Exclusive = 0x200, Create = 0x400, Dump = 0x300;

    private const ushort Nested = 0x8000; // NLA_F_NESTED

    private readonly Span<byte> _buffer;
    private int _length;

    internal NetlinkRequest(Span<byte> buffer, ushort type, ushort flags, uint sequence)
    {
        _buffer = buffer;
        _buffer.Clear();
        MemoryMarshal.Write(buffer[4..], type);
        MemoryMarshal.Write(buffer[6..], flags);
        MemoryMarshal.Write(buffer[8..], sequence);
        _length = NetlinkMessages.HeaderBytes;
    }

    /// <summary>The finished message.</summary>
    internal readonly ReadOnlySpan<byte> Bytes
    {
        get
        {
            MemoryMarshal.Write(_buffer, _length);
            return _buffer[.._length];
        }
    }

    internal void Put(scoped ReadOnlySpan<byte> header)
    {
        header.CopyTo(_buffer[_length..]);
        _length = Aligned(_length + header.Length);
    }

    internal void Attribute(ushort type, uint value)
    {
        MemoryMarshal.Write(_buffer[_length..], (ushort)8);
        MemoryMarshal.Write(_buffer[(_length + 2)..], type);
        MemoryMarshal.Write(_buffer[(_length + 4)..], value);
        _length += 8;
    }

    internal void Attribute(ushort type, scoped ReadOnlySpan<byte> value)
    {
        MemoryMarshal.Write(_buffer[_length..], (ushort)(4 + value.Length));
        MemoryMarshal.Write(_buffer[(_length + 2)..], type);
        value.CopyTo(_buffer[(_length + 4)..]);
        _length = Aligned(_length + 4 + value.Length);
    }

    /// <summary>Opens an attribute that holds attributes.</summary>
    /// <returns>To be given to <see cref="End"/>.</returns>
    internal int Begin(ushort type)
    {
        int at = _length;
        MemoryMarshal.Write(_buffer[(at + 2)..], (ushort)(type | Nested));
        _length += 4;
        return at;
    }

    internal readonly void End(int began) => MemoryMarshal.Write(_buffer[began..], (ushort)(_length - began));

    private static int Aligned(int bytes) => (bytes + 3) & ~3;
}
