namespace Ambient.NodeProxy.Http2.Hpack;

/// <summary>Decodes header blocks of one connection. Source: RFC 7541.</summary>
/// <param name="tableBytes">The table size that we have announced, in bytes.</param>
/// <param name="maxListBytes">The largest list, by the count of RFC 9113, section 10.5.1: name + value + 32 a header.</param>
public sealed class HpackDecoder(int tableBytes, int maxListBytes)
{
    private const int FieldOverhead = 32;

    private readonly DynamicTable _table = new(tableBytes);
    private readonly HeaderList _list = new();
    private byte[] _nameRoom = new byte[64];
    private byte[] _valueRoom = new byte[256];

    /// <summary>Why a block was malformed, for a person.</summary>
    public string Fault { get; private set; } = "";

    /// <summary>Decodes one complete block.</summary>
    /// <param name="block">The block.</param>
    /// <param name="headers">The list; valid until the next call.</param>
    public HpackOutcome Decode(ReadOnlySpan<byte> block, out HeaderList headers)
    {
        headers = _list;
        _list.Clear();
        long listBytes = 0;
        bool sizeMayChange = true;
        while (!block.IsEmpty)
        {
            byte first = block[0];
            if ((first & 0xe0) == 0x20)
            {
                // 001xxxxx: table size update, only before the first header (section 4.2).
                if (!TryReadInteger(ref block, 5, out int size)) return Bad("an integer is too large");
                if (!sizeMayChange || size > tableBytes) return Bad("a table size update is out of place or too large");
                _table.Resize(size);
                continue;
            }

            sizeMayChange = false;
            ReadOnlySpan<byte> name;
            ReadOnlySpan<byte> value;
            bool adds = false;
            if ((first & 0x80) != 0)
            {
                // 1xxxxxxx: an entry as it is.
                if (!TryReadInteger(ref block, 7, out int index)) return Bad("an integer is too large");
                if (!TryFind(index, out name, out value)) return Bad($"there is no entry {index}");
            }
            else
            {
                // 01xxxxxx: literal, added. 0000xxxx, 0001xxxx: literal, not added.
                adds = (first & 0x40) != 0;
                if (!TryReadInteger(ref block, adds ? 6 : 4, out int index)) return Bad("an integer is too large");
                if (index != 0)
                {
                    if (!TryFind(index, out name, out _)) return Bad($"there is no entry {index}");
                }
                else if (!TryReadString(ref block, ref _nameRoom, out name))
                {
                    return Bad("a name is cut or wrongly coded");
                }

                if (!TryReadString(ref block, ref _valueRoom, out value)) return Bad("a value is cut or wrongly coded");
            }

            listBytes += name.Length + value.Length + FieldOverhead;
            if (listBytes <= maxListBytes) _list.Add(name, value);
            if (adds) _table.Add(name, value);
        }

        return listBytes <= maxListBytes ? HpackOutcome.Decoded : HpackOutcome.TooLarge;
    }

    private bool TryFind(int index, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        name = value = default;
        if (index is >= 1 and <= StaticTable.Count)
        {
            name = StaticTable.Name(index);
            value = StaticTable.Value(index);
            return true;
        }

        int age = index - StaticTable.Count - 1;
        if (age < 0 || age >= _table.Count) return false;
        (byte[] n, byte[] v) = _table[age];
        name = n;
        value = v;
        return true;
    }

    // Section 5.1. At most four continuation bytes: nothing here is larger than 2^28.
    private static bool TryReadInteger(scoped ref ReadOnlySpan<byte> block, int prefixBits, out int value)
    {
        int mask = (1 << prefixBits) - 1;
        value = block[0] & mask;
        block = block[1..];
        if (value < mask) return true;
        for (int shift = 0; shift < 28; shift += 7)
        {
            if (block.IsEmpty) return false;
            byte b = block[0];
            block = block[1..];
            value += (b & 0x7f) << shift;
            if ((b & 0x80) == 0) return true;
        }

        return false;
    }

    private static bool TryReadString(scoped ref ReadOnlySpan<byte> block, scoped ref byte[] room, out ReadOnlySpan<byte> text)
    {
        text = default;
        if (block.IsEmpty) return false;
        bool isCoded = (block[0] & 0x80) != 0;
        if (!TryReadInteger(ref block, 7, out int length) || length > block.Length) return false;
        var raw = block[..length];
        block = block[length..];
        if (!isCoded)
        {
            text = raw;
            return true;
        }

        int most = (length * 8 / 5) + 1; // the shortest code has five bits
        if (room.Length < most) room = new byte[most];
        if (!HuffmanCode.TryDecode(raw, room, out int written)) return false;
        text = room.AsSpan(0, written);
        return true;
    }

    private HpackOutcome Bad(string fault)
    {
        Fault = fault;
        return HpackOutcome.Malformed;
    }
}
