using System.Buffers.Binary;

namespace Ambient.NodeProxy.Tunnel;

/// <summary>Takes the fields of a TLS structure from bytes, one after the other. Source: RFC 8446, section 3.4.</summary>
internal ref struct TlsVectors(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _rest = bytes;

    public readonly bool IsAtEnd => _rest.IsEmpty;

    /// <summary>Passes over a field of fixed size.</summary>
    public bool Skip(int count)
    {
        if (_rest.Length < count) return false;
        _rest = _rest[count..];
        return true;
    }

    public bool TryTakeNumber(out ushort number)
    {
        number = 0;
        if (_rest.Length < 2) return false;
        number = BinaryPrimitives.ReadUInt16BigEndian(_rest);
        _rest = _rest[2..];
        return true;
    }

    /// <summary>Takes a vector: its length in 1 or 2 bytes, then its content, which has to be there.</summary>
    public bool TryTake(int lengthBytes, out ReadOnlySpan<byte> content)
    {
        content = default;
        if (_rest.Length < lengthBytes) return false;
        int length = lengthBytes == 1 ? _rest[0] : BinaryPrimitives.ReadUInt16BigEndian(_rest);
        if (_rest.Length - lengthBytes < length) return false;
        content = _rest.Slice(lengthBytes, length);
        _rest = _rest[(lengthBytes + length)..];
        return true;
    }
}
