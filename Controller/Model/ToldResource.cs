using Ambient.Protocol.Mesh.V1;
using Google.Protobuf;

namespace Ambient.Controller.Model;

/// <summary>
/// A resource as nodes are told of it, held once however many nodes and versions have it. Immutable: the same object as long as nothing of
/// it changed.
/// </summary>
internal abstract class ToldResource
{
    internal abstract ToldKey Key { get; }

    /// <summary>Who may reach this namespace is told of it; empty for what every node is told.</summary>
    internal abstract string Namespace { get; }

    /// <summary>Of the serialized <see cref="Resource"/>, in bytes.</summary>
    internal abstract int Length { get; }

    /// <summary>One that is encoded once and for all.</summary>
    internal static ToldResource Of(Resource resource, string ns) => new Encoded(resource.Key, ns, resource.ToByteArray());

    /// <summary>Writes the serialized <see cref="Resource"/>.</summary>
    /// <param name="into">As long as it is.</param>
    internal abstract void Write(Span<byte> into);

    /// <summary>Whether nodes are told the same by both.</summary>
    internal abstract bool SaysWhat(ToldResource other);

    /// <summary>What it says: for people who look, not for nodes.</summary>
    internal abstract Resource Read();

    private sealed class Encoded(string key, string ns, byte[] bytes) : ToldResource
    {
        internal override ToldKey Key => key;

        internal override string Namespace => ns;

        internal override int Length => bytes.Length;

        internal override void Write(Span<byte> into) => bytes.CopyTo(into);

        internal override bool SaysWhat(ToldResource other) =>
            other is Encoded encoded && Key == encoded.Key && Namespace == encoded.Namespace && bytes.AsSpan().SequenceEqual(encoded.Bytes);

        internal override Resource Read() => Resource.Parser.ParseFrom(bytes);

        private ReadOnlySpan<byte> Bytes => bytes;
    }
}
