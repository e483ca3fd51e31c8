using System.Buffers;
using System.Collections.Immutable;
using System.IO.Compression;
using Ambient.Controller.Model;
using Ambient.Protocol.Discovery.V1;
using Google.Protobuf;

namespace Ambient.Controller.Snapshots;

/// <summary>
/// Puts encoded resources behind one another, as the field <c>upserts</c> of a Delta. The bytes are as many as
/// serializing a <see cref="Delta"/> would give, and say the same; a test compares the two.
/// </summary>
internal static class DeltaEncoder
{
    /// <summary>
    /// Most bytes of resources in a change. gRPC clients take messages of 4 MiB unless told otherwise; this leaves room
    /// for the rest of the message.
    /// </summary>
    internal const int MaxChangeBytes = 2 << 20;

    /// <summary>
    /// Bytes of resources in one part of a full view. A stream that is being sent one holds a copy of one part, and ten thousand may be
    /// stuck at once.
    /// </summary>
    internal const int FullPartBytes = 64 << 10;

    /// <summary>
    /// Bytes of resources in one compressed part of a full view: about what a namespace of a thousand pods takes, within which names, addresses
    /// and UIDs come again and again.
    /// </summary>
    internal const int CompressedPartBytes = 1 << 20;

    // A million endpoints become 26 times smaller in some 4 s. The window holds a part.
    private const int BrotliQuality = 4;
    private const int BrotliWindow = 20;

    /// <summary>Largest single resource, in bytes. One that is larger is not sent (a source's limits make it a curiosity).</summary>
    internal const int MaxResourceBytes = 512 << 10;

    /// <summary>Encodes a full view in as many parts as it takes; an empty view is one empty part.</summary>
    /// <param name="isCompressed">For nodes that take that.</param>
    internal static EncodedDelta Full(DeltaHead head, IReadOnlyList<ToldResource> resources, bool isCompressed = false)
    {
        var most = isCompressed ? CompressedPartBytes : FullPartBytes;
        var parts = ImmutableArray.CreateBuilder<ReadOnlyMemory<byte>>();
        var (start, size) = (0, 0);
        for (var i = 0; i < resources.Count; i++)
        {
            if (i > start && size + resources[i].Length > most)
            {
                parts.Add(Part(more: true, i));
                (start, size) = (i, 0);
            }
            size += resources[i].Length;
        }
        parts.Add(Part(more: false, resources.Count));
        return new EncodedDelta(head.Version, head.Nonce, IsFull: true, parts.DrainToImmutable());

        ReadOnlyMemory<byte> Part(bool more, int end)
        {
            var part = head.Write();
            (part.Full, part.More) = (true, more);
            return isCompressed ? Compress(part, resources, start, end) : Encode(part, resources, start, end, []);
        }
    }

    /// <summary>Encodes a change.</summary>
    /// <returns>Null if it is larger than one message may be; then a full view has to do.</returns>
    internal static EncodedDelta? Change(DeltaHead head, IReadOnlyList<ToldResource> upserts, IReadOnlyCollection<string> removals) =>
        upserts.Sum(u => (long)u.Length) + removals.Sum(r => (long)r.Length) > MaxChangeBytes ? null
        : new EncodedDelta(head.Version, head.Nonce, IsFull: false, upserts.Count == 0 && removals.Count == 0
            ? []
            : [Encode(head.Write(), upserts, 0, upserts.Count, removals)]);

    private static ReadOnlyMemory<byte> Compress(Delta head, IReadOnlyList<ToldResource> upserts, int from, int to)
    {
        // Rented, since hundreds of megabytes go through here one after the other.
        var size = SizeOf(upserts, from, to);
        var plain = ArrayPool<byte>.Shared.Rent(size);
        var room = ArrayPool<byte>.Shared.Rent(BrotliEncoder.GetMaxCompressedLength(size));
        Write(upserts, from, to, plain);
        if (!BrotliEncoder.TryCompress(plain.AsSpan(0, size), room, out var length, BrotliQuality, BrotliWindow))
            throw new InvalidOperationException($"{size} bytes do not fit into what the encoder said is enough");
        head.Compressed = ByteString.CopyFrom(room, 0, length);
        head.UncompressedBytes = (uint)size;
        ArrayPool<byte>.Shared.Return(room);
        ArrayPool<byte>.Shared.Return(plain);
        return head.ToByteArray();
    }

    private static ReadOnlyMemory<byte> Encode(Delta head, IReadOnlyList<ToldResource> upserts, int from, int to, IReadOnlyCollection<string> removals)
    {
        // The head, then upserts (5), then removals (6): readers take fields in any order.
        var tail = new Delta { Removals = { removals } };
        var (headSize, bodySize, tailSize) = (head.CalculateSize(), SizeOf(upserts, from, to), tail.CalculateSize());
        var bytes = new byte[headSize + bodySize + tailSize];
        head.WriteTo(bytes.AsSpan(0, headSize));
        Write(upserts, from, to, bytes.AsSpan(headSize, bodySize));
        tail.WriteTo(bytes.AsSpan(headSize + bodySize, tailSize));
        return bytes;
    }

    private static int SizeOf(IReadOnlyList<ToldResource> upserts, int from, int to)
    {
        var size = 0;
        for (var i = from; i < to; i++)
            size += WireBytes.SizeOf(upserts[i].Length);
        return size;
    }

    private static void Write(IReadOnlyList<ToldResource> upserts, int from, int to, Span<byte> into)
    {
        var at = 0;
        for (var i = from; i < to; i++)
        {
            at = WireBytes.PutHead(into, at, Delta.UpsertsFieldNumber, upserts[i].Length);
            upserts[i].Write(into.Slice(at, upserts[i].Length));
            at += upserts[i].Length;
        }
    }
}
