using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using Ambient.Controller.Model;

namespace Ambient.Controller.Snapshots;

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

    internal ViewFingerprint Of(ToldResource resource)
    {
        var length = KeyBytes + resource.Length;
        var rented = length > OnStack ? ArrayPool<byte>.Shared.Rent(length) : null;
        var input = rented is null ? stackalloc byte[OnStack] : rented;
        _key.CopyTo(input);
        resource.Write(input[KeyBytes..length]);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(input[..length], hash);
        if (rented is not null)
            ArrayPool<byte>.Shared.Return(rented);
        return new ViewFingerprint(BinaryPrimitives.ReadUInt128BigEndian(hash));
    }
}
