using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.IO.Compression;
using Ambient.Protocol.Discovery.V1;
using Google.Protobuf;

namespace Ambient.NodeProxy.Discovery;

/// <summary>Reads the part of a full view that comes compressed (Brotli, RFC 7932).</summary>
internal static class CompressedPart
{
    /// <summary>What one may come to, in bytes, whatever it says.</summary>
    public const int MaxBytes = 4 << 20;

    /// <param name="fault">Why it cannot be read, for a person.</param>
    public static bool TryRead(Delta part, [NotNullWhen(true)] out Delta? inner, [NotNullWhen(false)] out string? fault)
    {
        (inner, fault) = (null, null);
        if (part.UncompressedBytes > MaxBytes)
        {
            fault = $"a part says that it comes to {part.UncompressedBytes} bytes, and {MaxBytes} are taken at most";
            return false;
        }

        byte[] room = ArrayPool<byte>.Shared.Rent((int)part.UncompressedBytes);
        try
        {
            if (!BrotliDecoder.TryDecompress(part.Compressed.Span, room.AsSpan(0, (int)part.UncompressedBytes), out int length) || length != part.UncompressedBytes)
                fault = $"a part of {part.Compressed.Length} compressed bytes does not come to the {part.UncompressedBytes} that it says";
            else
                inner = Delta.Parser.ParseFrom(room, 0, length);
        }
        catch (InvalidProtocolBufferException e)
        {
            fault = $"a compressed part holds something else than resources: {e.Message}";
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(room);
        }

        return inner is not null;
    }
}
