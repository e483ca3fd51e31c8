using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using Google.Protobuf;

namespace Ambient.Controller.Snapshots;

/// <summary>
/// What tells two views apart whatever way they came to be: the sum, modulo 2^128, of a number for each resource. So it follows a change at
/// the cost of the change. Two controllers of one mesh number their versions differently, and find by this that they mean the same.
/// </summary>
internal readonly record struct ViewFingerprint(UInt128 Sum)
{
    private const int Bytes = 16;

    /// <summary>Of a view without anything.</summary>
    internal static ViewFingerprint Empty => default;

    public static ViewFingerprint operator +(ViewFingerprint a, ViewFingerprint b) => new(a.Sum + b.Sum);

    public static ViewFingerprint operator -(ViewFingerprint a, ViewFingerprint b) => new(a.Sum - b.Sum);

    /// <returns>Null if the bytes are none; a node says none when it holds nothing, or was told none.</returns>
    internal static ViewFingerprint? Read(ByteString bytes) => bytes.Length == Bytes ? new(BinaryPrimitives.ReadUInt128BigEndian(bytes.Span)) : null;

    internal ByteString ToBytes()
    {
        var bytes = new byte[Bytes];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, Sum);
        return UnsafeByteOperations.UnsafeWrap(bytes);
    }
}

/// <summary>
/// Makes the number of a resource: the first half of SHA-256 over a key and its bytes. The key is a secret of the mesh's controllers: whoever may
/// name pods and services could else choose them so that two different views have one sum (D. Wagner, "A Generalized Birthday Problem").
/// Any thread may call it.
/// </summary>
internal sealed class FingerprintKey(ReadOnlySpan<byte> key)
{
    internal const int KeyBytes = 32;

    private const int OnStack = 2048;
    private readonly byte[] _key = key.Length == KeyBytes ? key.ToArray() : throw new ArgumentException($"expected {KeyBytes} bytes", nameof(key));

    /// <summary>One that nobody else has: for a controller whose nodes need not be known by another.</summary>
    internal static FingerprintKey New() => new(RandomNumberGenerator.GetBytes(KeyBytes));

    internal ViewFingerprint Of(ReadOnlySpan<byte> resource)
    {
        var length = KeyBytes + resource.Length;
        var rented = length > OnStack ? ArrayPool<byte>.Shared.Rent(length) : null;
        var input = rented is null ? stackalloc byte[OnStack] : rented;
        _key.CopyTo(input);
        resource.CopyTo(input[KeyBytes..]);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(input[..length], hash);
        if (rented is not null)
            ArrayPool<byte>.Shared.Return(rented);
        return new ViewFingerprint(BinaryPrimitives.ReadUInt128BigEndian(hash));
    }
}
