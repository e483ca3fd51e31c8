namespace Ambient.NodeProxy.Http2.Hpack;

/// <summary>
/// The dynamic table (RFC 7541 section 2.3.2), for decoder and encoder alike. Entries lie one behind the other in one
/// buffer, oldest first, at most twice as large as the table; memory is taken as entries come and given back at size 0.
/// </summary>
internal sealed class DynamicTable(int maxSize)
{
    private byte[] _bytes = [];
    private int _start;
    private int _end;

    // A ring whose length is a power of two; `_oldest` counts on for ever and is masked.
    private Slot[] _ring = [];
    private uint _oldest;

    /// <summary>Entries.</summary>
    public int Count { get; private set; }

    /// <summary>Size in bytes, 32 a entry included (section 4.1).</summary>
    public int Size => _end - _start + Count * HeaderList.FieldOverhead;

    /// <summary>What <see cref="Size"/> never exceeds.</summary>
    public int MaxSize { get; private set; } = maxSize;

    /// <summary>The name of an entry; 0 is the newest. Valid until the table changes.</summary>
    public ReadOnlySpan<byte> NameOf(int index)
    {
        ref readonly Slot slot = ref SlotOf(index);
        return _bytes.AsSpan(slot.Start, slot.NameLength);
    }

    /// <summary>The value of an entry; 0 is the newest. Valid until the table changes.</summary>
    public ReadOnlySpan<byte> ValueOf(int index)
    {
        ref readonly Slot slot = ref SlotOf(index);
        return _bytes.AsSpan(slot.Start + slot.NameLength, slot.ValueLength);
    }

    /// <summary>Evicts what a new bound leaves no room for (section 4.3).</summary>
    public void Resize(int newMaxSize)
    {
        MaxSize = newMaxSize;
        while (Size > MaxSize)
            Evict();
        if (MaxSize == 0)
        {
            _bytes = [];
            _ring = [];
        }
    }

    /// <summary>
    /// Inserts an entry and evicts as many as it takes; one larger than the table empties it and is no error (section 4.4).
    /// </summary>
    /// <param name="name">Not a span of this table, which moves its bytes.</param>
    /// <param name="value">Likewise.</param>
    public void Insert(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        int length = name.Length + value.Length;
        while (Count > 0 && Size + length + HeaderList.FieldOverhead > MaxSize)
            Evict();
        if (length + HeaderList.FieldOverhead > MaxSize)
            return;

        MakeRoom(length);
        if (Count == _ring.Length)
            GrowRing();
        _ring[(_oldest + (uint)Count) & (uint)(_ring.Length - 1)] = new Slot(_end, name.Length, value.Length);
        Count++;
        name.CopyTo(_bytes.AsSpan(_end));
        value.CopyTo(_bytes.AsSpan(_end + name.Length));
        _end += length;
    }

    /// <summary>Looks a field up.</summary>
    /// <param name="name">The name.</param>
    /// <param name="value">The value.</param>
    /// <param name="nameIndex">The newest entry of that name, or -1.</param>
    /// <returns>The newest entry with name and value, or -1.</returns>
    public int Find(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, out int nameIndex)
    {
        // At most 128 entries in 4 KiB, mostly a handful, and lengths differ: a scan beats a hash table's upkeep.
        nameIndex = -1;
        for (int i = 0; i < Count; i++)
        {
            ref readonly Slot slot = ref SlotOf(i);
            if (slot.NameLength != name.Length || !_bytes.AsSpan(slot.Start, slot.NameLength).SequenceEqual(name))
                continue;
            if (_bytes.AsSpan(slot.Start + slot.NameLength, slot.ValueLength).SequenceEqual(value))
                return nameIndex = i;
            if (nameIndex < 0)
                nameIndex = i;
        }

        return -1;
    }

    private ref readonly Slot SlotOf(int index) => ref _ring[(_oldest + (uint)(Count - 1 - index)) & (uint)(_ring.Length - 1)];

    private void Evict()
    {
        ref readonly Slot slot = ref SlotOf(Count - 1);
        _start += slot.NameLength + slot.ValueLength;
        _oldest++;
        if (--Count == 0)
            _start = _end = 0;
    }

    private void MakeRoom(int length)
    {
        if (_bytes.Length - _end >= length)
            return;
        int live = _end - _start;
        // Moving is only worth it when it makes at least as much room as it moves; so an insertion costs O(its length) on average.
        byte[] target = live + length <= _bytes.Length / 2 ? _bytes : new byte[Math.Max(256, 2 * (live + length))];
        _bytes.AsSpan(_start, live).CopyTo(target);
        for (int i = 0; i < Count; i++)
        {
            ref Slot slot = ref _ring[(_oldest + (uint)i) & (uint)(_ring.Length - 1)];
            slot = slot with { Start = slot.Start - _start };
        }

        _bytes = target;
        _start = 0;
        _end = live;
    }

    private void GrowRing()
    {
        var larger = new Slot[Math.Max(8, _ring.Length * 2)];
        for (int i = 0; i < Count; i++)
            larger[i] = _ring[(_oldest + (uint)i) & (uint)(_ring.Length - 1)];
        _ring = larger;
        _oldest = 0;
    }

    private readonly record struct Slot(int Start, int NameLength, int ValueLength);
}
