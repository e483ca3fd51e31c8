namespace Ambient.NodeProxy.Http2.Hpack;

/// <summary>The headers that the peer has added, newest first. Source: RFC 7541, sections 2.3.2 and 4.</summary>
internal sealed class DynamicTable(int maxBytes)
{
    private const int EntryOverhead = 32; // RFC 7541, section 4.1

    private readonly List<(byte[] Name, byte[] Value)> _entries = []; // oldest first
    private int _bytes;

    /// <summary>Entries in it.</summary>
    public int Count => _entries.Count;

    /// <summary>Its size limit now, in bytes by the RFC's count.</summary>
    public int MaxBytes { get; private set; } = maxBytes;

    /// <summary>The entry with this age, 0 for the newest.</summary>
    public (byte[] Name, byte[] Value) this[int age] => _entries[^(age + 1)];

    public void Resize(int maxBytes)
    {
        MaxBytes = maxBytes;
        Evict(0);
    }

    /// <summary>Adds an entry; one that is larger than the table empties it (section 4.4).</summary>
    public void Add(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        int size = name.Length + value.Length + EntryOverhead;
        byte[] ownName = name.ToArray(); // before eviction: the name may lie in an entry that leaves
        Evict(size);
        if (size > MaxBytes) return;
        _entries.Add((ownName, value.ToArray()));
        _bytes += size;
    }

    private void Evict(int needed)
    {
        int gone = 0;
        while (gone < _entries.Count && _bytes + needed > MaxBytes)
        {
            _bytes -= _entries[gone].Name.Length + _entries[gone].Value.Length + EntryOverhead;
            gone++;
        }

        _entries.RemoveRange(0, gone);
    }
}
