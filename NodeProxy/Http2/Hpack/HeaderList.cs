namespace Ambient.NodeProxy.Http2.Hpack;

/// <summary>A decoded header list in one buffer that is used again for the next list: no string is made unless somebody asks.</summary>
public sealed class HeaderList
{
    private byte[] _bytes = new byte[512];
    private (int Name, int Value, int End)[] _fields = new (int, int, int)[16];
    private int _length;

    /// <summary>Headers in it.</summary>
    public int Count { get; private set; }

    /// <summary>The i-th header.</summary>
    public HeaderField this[int i]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)i, (uint)Count, nameof(i));
            var (name, value, end) = _fields[i];
            return new HeaderField(_bytes.AsSpan(name, value - name), _bytes.AsSpan(value, end - value));
        }
    }

    public Enumerator GetEnumerator() => new(this);

    internal void Clear() => Count = _length = 0;

    internal void Add(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        if (_length + name.Length + value.Length > _bytes.Length)
        {
            Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, _length + name.Length + value.Length));
        }

        if (Count == _fields.Length) Array.Resize(ref _fields, Count * 2);
        name.CopyTo(_bytes.AsSpan(_length));
        value.CopyTo(_bytes.AsSpan(_length + name.Length));
        _fields[Count++] = (_length, _length + name.Length, _length + name.Length + value.Length);
        _length += name.Length + value.Length;
    }

    /// <summary>Goes through a list.</summary>
    public ref struct Enumerator(HeaderList list)
    {
        private int _index = -1;

        public readonly HeaderField Current => list[_index];

        public bool MoveNext() => ++_index < list.Count;
    }
}
