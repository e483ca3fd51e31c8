namespace Ambient.NodeProxy.Http2.Hpack;

/// <summary>One header, as bytes; valid as long as its list is.</summary>
public readonly ref struct HeaderField(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
{
    public ReadOnlySpan<byte> Name { get; } = name;

    public ReadOnlySpan<byte> Value { get; } = value;
}
