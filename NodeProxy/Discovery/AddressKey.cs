using System.Buffers.Binary;
using System.Net;

namespace Ambient.NodeProxy.Discovery;

/// <summary>
/// An address as a key of maps: sixteen bytes by value, IPv4 in its mapped form, so that 10.0.0.1 and ::ffff:10.0.0.1 are one key.
/// Scope ids do not count. Making and comparing one allocates nothing.
/// </summary>
public readonly struct AddressKey : IEquatable<AddressKey>
{
    private readonly ulong _high;
    private readonly ulong _low;

    /// <summary>The key of an address.</summary>
    public AddressKey(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        if (!address.TryWriteBytes(bytes, out int written))
            throw new ArgumentException("not an IP address", nameof(address));
        if (written == 4)
        {
            _low = 0xFFFF_0000_0000UL | BinaryPrimitives.ReadUInt32BigEndian(bytes);
            return;
        }
        _high = BinaryPrimitives.ReadUInt64BigEndian(bytes);
        _low = BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]);
    }

    /// <inheritdoc/>
    public bool Equals(AddressKey other) => _low == other._low && _high == other._high;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is AddressKey other && Equals(other);

    /// <summary>Spreads neighbours: addresses of one range differ in their last bits only (Fibonacci hashing; the constant is 2^64 over the golden ratio).</summary>
    public override int GetHashCode()
    {
        ulong mixed = (_low ^ (_high * 0xC2B2_AE3D_27D4_EB4FUL)) * 0x9E37_79B9_7F4A_7C15UL;
        return (int)(mixed >> 32);
    }

    /// <inheritdoc/>
    public override string ToString() => $"{_high:x16}{_low:x16}";
}
