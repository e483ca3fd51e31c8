using System.Buffers.Binary;
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
