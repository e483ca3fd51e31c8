using System.Text;

namespace Ambient.NodeProxy.Http2.Hpack;

/// <summary>One field of a <see cref="HeaderList"/>, valid until the list changes.</summary>
public readonly ref struct HeaderField
{
    internal HeaderField(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, HeaderIndexing indexing)
    {
        Name = name;
        Value = value;
        Indexing = indexing;
    }

    /// <summary>The name's bytes as they came; <see cref="HeaderRules"/> says whether they are allowed.</summary>
    public ReadOnlySpan<byte> Name { get; }

    /// <summary>The value's bytes.</summary>
    public ReadOnlySpan<byte> Value { get; }

    /// <summary>How the field may be written.</summary>
    public HeaderIndexing Indexing { get; }

    /// <summary>The name as a new string; bytes above 127 become their Latin-1 characters.</summary>
    public string NameText => Encoding.Latin1.GetString(Name);

    /// <summary>The value as a new string; bytes above 127 become their Latin-1 characters.</summary>
    public string ValueText => Encoding.Latin1.GetString(Value);
}
