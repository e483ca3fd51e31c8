namespace Ambient.NodeProxy.Http2.Hpack;

/// <summary>
/// An ordered list of fields over one buffer that is reused: reading the same kind of message again allocates nothing.
/// Not for several threads; a loop needs only one for decoding, since a list is valid during a call.
/// </summary>
public sealed class HeaderList
{
    /// <summary>What a field weighs besides its bytes (RFC 7541 section 4.1).</summary>
    public const int FieldOverhead = 32;

    // A list that one large message blew up gives the memory back at the next Clear.
    private const int KeptBytes = 16_384;

    private byte[] _bytes = [];
    private Slot[] _slots = [];
    private int _used;

    /// <summary>Fields in the list.</summary>
    public int Count { get; private set; }

    /// <summary>The list's size in bytes: names, values and 32 a field (RFC 9113 section 10.5.1).</summary>
    public int Size => _used + Count * FieldOverhead;

    /// <summary>The field at a place, 0 to <see cref="Count"/> - 1.</summary>
    public HeaderField this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Count);
            ref readonly Slot slot = ref _slots[index];
            return new HeaderField(
                _bytes.AsSpan(slot.Start, slot.NameLength),
                _bytes.AsSpan(slot.Start + slot.NameLength, slot.ValueLength),
                slot.Indexing);
        }
    }

    /// <summary>Empties the list and keeps its memory, up to a bound.</summary>
    public void Clear()
    {
        Count = 0;
        _used = 0;
        if (_bytes.Length > KeptBytes)
        {
            _bytes = [];
            _slots = [];
        }
    }

    /// <summary>Appends a field; nothing is checked (see <see cref="HeaderRules"/>).</summary>
    public void Add(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, HeaderIndexing indexing = HeaderIndexing.Allowed)
    {
        Span<byte> tail = Tail(name.Length + value.Length);
        name.CopyTo(tail);
        value.CopyTo(tail[name.Length..]);
        Commit(name.Length, value.Length, indexing);
    }

    /// <summary>Finds the first field of a name, compared byte by byte: names on the wire are in lower case.</summary>
    public bool TryFind(ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        for (int i = 0; i < Count; i++)
        {
            ref readonly Slot slot = ref _slots[i];
            if (slot.NameLength == name.Length && _bytes.AsSpan(slot.Start, slot.NameLength).SequenceEqual(name))
            {
                value = _bytes.AsSpan(slot.Start + slot.NameLength, slot.ValueLength);
                return true;
            }
        }

        value = default;
        return false;
    }

    /// <summary>Enumerates the fields in their order.</summary>
    public Enumerator GetEnumerator() => new(this);

    /// <summary>Room behind the last field, which a decoder fills before it calls <see cref="Commit"/> or gives up on it.</summary>
    internal Span<byte> Tail(int atLeast)
    {
        if (_bytes.Length - _used < atLeast)
            Array.Resize(ref _bytes, Math.Max(Math.Max(256, _bytes.Length * 2), _used + atLeast));
        return _bytes.AsSpan(_used);
    }

    /// <summary>Makes a field of the bytes at the tail.</summary>
    internal void Commit(int nameLength, int valueLength, HeaderIndexing indexing)
    {
        if (Count == _slots.Length)
            Array.Resize(ref _slots, Math.Max(8, Count * 2));
        _slots[Count++] = new Slot(_used, nameLength, valueLength, indexing);
        _used += nameLength + valueLength;
    }

    private readonly record struct Slot(int Start, int NameLength, int ValueLength, HeaderIndexing Indexing);

    /// <summary>Walks a list.</summary>
    public ref struct Enumerator
    {
        private readonly HeaderList _list;
        private int _index;

        internal Enumerator(HeaderList list)
        {
            _list = list;
            _index = -1;
        }

        /// <summary>The field at hand.</summary>
        public readonly HeaderField Current => _list[_index];

        /// <summary>Goes to the next field.</summary>
        public bool MoveNext() => ++_index < _list.Count;
    }
}
