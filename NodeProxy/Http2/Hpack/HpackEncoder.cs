using System.Buffers;
using System.Text;

namespace Ambient.NodeProxy.Http2.Hpack;

/// <summary>
/// Encodes the header lists of one direction of a connection (RFC 7541). Every block that was encoded has to be sent, in
/// order, since encoding changes the table that the peer follows. A tunnel's few headers use no table (the static
/// <c>Encode</c>): one with a table is for the HTTP room, where the same headers come again with every request.
/// </summary>
public sealed class HpackEncoder
{
    private const int InitialTableBytes = Http2Settings.DefaultHeaderTableSize;
    private const int MaxSizeUpdates = 2;

    private readonly DynamicTable _table = new(InitialTableBytes);
    private readonly byte[][] _sensitive;
    private readonly byte[][] _volatile;
    private readonly int _maxTableBytes;
    private int _target;
    private int _lowest;

    /// <summary>An encoder with an empty table.</summary>
    public HpackEncoder(HpackEncoderOptions? options = null)
    {
        options ??= HpackEncoderOptions.Default;
        ArgumentOutOfRangeException.ThrowIfNegative(options.MaxTableBytes);
        _maxTableBytes = options.MaxTableBytes;
        _sensitive = [.. options.SensitiveNames.Select(Encoding.ASCII.GetBytes)];
        _volatile = [.. options.VolatileNames.Select(Encoding.ASCII.GetBytes)];
        _lowest = _target = Math.Min(InitialTableBytes, _maxTableBytes);
    }

    /// <summary>The table's size in bytes, 32 an entry included.</summary>
    public int TableBytes => _table.Size;

    /// <summary>
    /// The peer's SETTINGS_HEADER_TABLE_SIZE, in bytes, before our acknowledgement is sent. The next block begins with the
    /// updates it needs: the smallest size in between, then the last (RFC 7541 section 4.2).
    /// </summary>
    public void PeerLimitChanged(int headerTableSize)
    {
        _target = Math.Min(headerTableSize, _maxTableBytes);
        _lowest = Math.Min(_lowest, _target);
    }

    /// <summary>Room that always suffices for a list, in bytes.</summary>
    public static int MaxEncodedLength(HeaderList headers) =>
        MaxSizeUpdates * HpackInteger.MaxSize + headers.Size + headers.Count * (3 * HpackInteger.MaxSize - HeaderList.FieldOverhead);

    /// <summary>Encodes a list as one block.</summary>
    /// <param name="headers">Not checked: <see cref="HeaderRules"/> does that.</param>
    /// <param name="room">At least <see cref="MaxEncodedLength"/> bytes.</param>
    /// <returns>Bytes written.</returns>
    public int Encode(HeaderList headers, Span<byte> room)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(room.Length, MaxEncodedLength(headers), nameof(room));
        int at = WriteSizeUpdates(room);
        foreach (HeaderField field in headers)
            at += WriteField(room[at..], field);
        return at;
    }

    /// <summary>Encodes a list as one block.</summary>
    public void Encode(HeaderList headers, IBufferWriter<byte> output) =>
        output.Advance(Encode(headers, output.GetSpan(MaxEncodedLength(headers))));

    /// <summary>
    /// Encodes one field of a block without any encoder's table: from the static table, or as a literal that stays out of the
    /// peer's. Fits between fields of a stateful encoder as well.
    /// </summary>
    public static void Encode(IBufferWriter<byte> output, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        Span<byte> room = output.GetSpan(3 * HpackInteger.MaxSize + name.Length + value.Length);
        int exact = StaticTable.Find(name, value, out int nameIndex);
        output.Advance(exact > 0
            ? HpackInteger.Write(room, 0x80, 7, exact)
            : WriteLiteral(room, HeaderIndexing.Skipped, nameIndex, name, value));
    }

    private int WriteSizeUpdates(Span<byte> room)
    {
        if (_lowest == _table.MaxSize && _target == _table.MaxSize)
            return 0;
        int at = 0;
        if (_lowest < _target)
        {
            at += HpackInteger.Write(room, 0x20, 5, _lowest);
            _table.Resize(_lowest);
        }

        at += HpackInteger.Write(room[at..], 0x20, 5, _target);
        _table.Resize(_target);
        _lowest = _target;
        return at;
    }

    private int WriteField(Span<byte> room, HeaderField field)
    {
        ReadOnlySpan<byte> name = field.Name;
        ReadOnlySpan<byte> value = field.Value;
        HeaderIndexing indexing = IndexingOf(field);

        int exact = StaticTable.Find(name, value, out int nameIndex);
        if (exact == 0)
        {
            int dynamic = _table.Find(name, value, out int dynamicName);
            if (dynamic >= 0)
                exact = StaticTable.Count + 1 + dynamic;
            if (nameIndex == 0 && dynamicName >= 0)
                nameIndex = StaticTable.Count + 1 + dynamicName;
        }

        // A secret stays a literal even where an entry equals it, so that its size says nothing about the table.
        if (exact > 0 && indexing != HeaderIndexing.Never)
            return HpackInteger.Write(room, 0x80, 7, exact);

        int at = WriteLiteral(room, indexing, nameIndex, name, value);
        if (indexing == HeaderIndexing.Allowed)
            _table.Insert(name, value);
        return at;
    }

    private static int WriteLiteral(
        Span<byte> room, HeaderIndexing indexing, int nameIndex, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        (byte pattern, int prefixBits) = indexing switch
        {
            HeaderIndexing.Allowed => ((byte)0x40, 6),
            HeaderIndexing.Skipped => ((byte)0x00, 4),
            HeaderIndexing.Never => ((byte)0x10, 4),
        };
        int at = HpackInteger.Write(room, pattern, prefixBits, nameIndex);
        if (nameIndex == 0)
            at += WriteString(room[at..], name);
        return at + WriteString(room[at..], value);
    }

    private HeaderIndexing IndexingOf(HeaderField field)
    {
        if (field.Indexing == HeaderIndexing.Never || Holds(_sensitive, field.Name))
            return HeaderIndexing.Never;
        // An entry that fills most of the table would empty it for one field.
        bool isLarge = field.Name.Length + field.Value.Length + HeaderList.FieldOverhead > _table.MaxSize / 4 * 3;
        return field.Indexing == HeaderIndexing.Skipped || isLarge || Holds(_volatile, field.Name)
            ? HeaderIndexing.Skipped
            : HeaderIndexing.Allowed;
    }

    private static bool Holds(byte[][] names, ReadOnlySpan<byte> name)
    {
        foreach (byte[] candidate in names)
        {
            if (name.SequenceEqual(candidate))
                return true;
        }

        return false;
    }

    private static int WriteString(Span<byte> room, ReadOnlySpan<byte> text)
    {
        int encoded = Huffman.EncodedLength(text);
        if (encoded < text.Length)
        {
            int at = HpackInteger.Write(room, 0x80, 7, encoded);
            return at + Huffman.Encode(text, room[at..]);
        }

        int start = HpackInteger.Write(room, 0x00, 7, text.Length);
        text.CopyTo(room[start..]);
        return start + text.Length;
    }
}
