using System.Collections.Immutable;
using Google.Protobuf;

namespace Ambient.Controller.Snapshots;

/// <summary>What brings a node from one version to another: one message, or the parts of a full view. Encoded once, sent to many.</summary>
/// <param name="Version">The version that the node has after the last part.</param>
/// <param name="Nonce">What the node's ack or nack names.</param>
/// <param name="Parts">Serialized <c>ambient.discovery.v1.Delta</c> messages; none if nothing changed for the node, which then need not be told.</param>
internal sealed record EncodedDelta(ulong Version, ByteString Nonce, bool IsFull, ImmutableArray<ReadOnlyMemory<byte>> Parts)
{
    internal bool IsEmpty => Parts.IsEmpty;

    /// <summary>A full view and the change that brings it up to date, as one: nodes serve by it once all of it is there.</summary>
    /// <param name="change">From this version on; null or empty if there is none.</param>
    internal EncodedDelta FollowedBy(EncodedDelta? change) =>
        change is null or { IsEmpty: true } ? this : new EncodedDelta(change.Version, change.Nonce, IsFull: true, [.. Parts, .. change.Parts]);

    internal long Bytes { get; } = Parts.Sum(p => (long)p.Length);
}
