using System.Collections.Immutable;
using Ambient.Protocol.Discovery.V1;
using Google.Protobuf;

namespace Ambient.Controller.Snapshots;

/// <summary>
/// Puts resources that are encoded already behind one another, as the field <c>upserts</c> of a Delta. The bytes are those
/// that serializing a <see cref="Delta"/> would give; a test compares the two.
/// </summary>
internal static class DeltaEncoder
{
    /// <summary>
    /// Most bytes of resources in one part. gRPC clients take messages of 4 MiB unless told otherwise; this leaves room
    /// for the rest of the message.
    /// </summary>
    internal const int MaxPartBytes = 2 << 20;

    /// <summary>Largest single resource, in bytes. One that is larger is not sent (a source's limits make it a curiosity).</summary>
    internal const int MaxResourceBytes = 512 << 10;

    /// <summary>Encodes a full view in as many parts as it takes; an empty view is one empty part.</summary>
    internal static EncodedDelta Full(ulong version, ByteString nonce, IEnumerable<ByteString> resources)
    {
        var parts = new List<List<ByteString>> { new() };
        var size = 0;
        foreach (var resource in resources)
        {
            if (size + resource.Length > MaxPartBytes)
            {
                parts.Add([]);
                size = 0;
            }
            parts[^1].Add(resource);
            size += resource.Length;
        }
        return new EncodedDelta(version, nonce, IsFull: true,
            [.. parts.Select((part, i) => Encode(version, nonce, full: true, more: i < parts.Count - 1, part, []))]);
    }

    /// <summary>Encodes a change.</summary>
    /// <returns>Null if it is larger than one message may be; then a full view has to do.</returns>
    internal static EncodedDelta? Change(ulong version, ByteString nonce, IReadOnlyCollection<ByteString> upserts, IReadOnlyCollection<string> removals) =>
        upserts.Sum(u => (long)u.Length) + removals.Sum(r => (long)r.Length) > MaxPartBytes
            ? null
            : new EncodedDelta(version, nonce, IsFull: false, [Encode(version, nonce, full: false, more: false, upserts, removals)]);

    private static ReadOnlyMemory<byte> Encode(ulong version, ByteString nonce, bool full, bool more,
        IReadOnlyCollection<ByteString> upserts, IReadOnlyCollection<string> removals)
    {
        // The fields in the order of their numbers, as a serializer writes them: 1 to 4, then upserts (5), then removals (6).
        var head = new Delta { Version = version, Nonce = nonce, Full = full, More = more };
        var tail = new Delta { Removals = { removals } };
        var upsertTag = WireFormat.MakeTag(Delta.UpsertsFieldNumber, WireFormat.WireType.LengthDelimited);
        var tagSize = CodedOutputStream.ComputeRawVarint32Size(upsertTag);

        var bytes = new byte[head.CalculateSize() + tail.CalculateSize()
            + upserts.Sum(u => tagSize + CodedOutputStream.ComputeBytesSize(u))];
        var output = new CodedOutputStream(bytes);
        head.WriteTo(output);
        foreach (var upsert in upserts)
        {
            output.WriteTag(upsertTag);
            output.WriteBytes(upsert);
        }
        tail.WriteTo(output);
        output.CheckNoSpaceLeft();
        return bytes;
    }
}
