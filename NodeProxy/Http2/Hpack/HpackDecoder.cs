namespace Ambient.NodeProxy.Http2.Hpack;

/// <summary>
/// Decodes the header blocks of one direction of a connection (RFC 7541), each whole and in the order of the wire. After an
/// outcome that loses the state (see <see cref="HpackOutcome"/>) the connection has to end.
/// </summary>
public sealed class HpackDecoder
{
    private const int InitialTableBytes = Http2Settings.DefaultHeaderTableSize;

    private readonly DynamicTable _table = new(InitialTableBytes);
    private readonly int _maxListBytes;
    private readonly int _maxFields;
    private readonly int _advertisedTableBytes;
    private int _tableLimit;
    private bool _owesSizeUpdate;

    /// <summary>A decoder with an empty table of the initial size.</summary>
    /// <param name="advertisedTableBytes">SETTINGS_HEADER_TABLE_SIZE as sent to the peer, in bytes.</param>
    /// <param name="maxListBytes">Largest list, in bytes with 32 a field.</param>
    /// <param name="maxFields">Most fields in a list.</param>
    public HpackDecoder(int advertisedTableBytes = InitialTableBytes, int maxListBytes = 16_384, int maxFields = 128)
    {
        _advertisedTableBytes = advertisedTableBytes;
        _maxListBytes = maxListBytes;
        _maxFields = maxFields;
        // Until the peer has acknowledged a smaller size it may go by the initial one.
        _tableLimit = Math.Max(InitialTableBytes, advertisedTableBytes);
    }

    /// <summary>The table's size in bytes, 32 an entry included.</summary>
    public int TableBytes => _table.Size;

    /// <summary>
    /// The peer acknowledged our SETTINGS: what was advertised is the limit from now on, and if the table may be larger,
    /// a block has to begin by making it smaller (RFC 7541 section 4.2) before one may use it.
    /// </summary>
    public void LimitAcknowledged()
    {
        _tableLimit = _advertisedTableBytes;
        _owesSizeUpdate = _table.MaxSize > _tableLimit;
    }

    /// <summary>Decodes a block.</summary>
    /// <param name="block">The whole block.</param>
    /// <param name="headers">Emptied first; complete only with <see cref="HpackOutcome.Decoded"/>.</param>
    public HpackOutcome Decode(ReadOnlySpan<byte> block, HeaderList headers)
    {
        headers.Clear();
        HpackOutcome refusal = HpackOutcome.Decoded;
        bool sawField = false;
        int at = 0;
        while (at < block.Length)
        {
            byte first = block[at];
            HpackOutcome outcome;
            if ((first & 0xE0) == 0x20)
            {
                outcome = sawField ? HpackOutcome.TableSizeMisplaced : ReadSizeUpdate(block, ref at);
            }
            else
            {
                sawField = true;
                outcome = first >= 0x80
                    ? ReadIndexed(block, ref at, headers, ref refusal)
                    : ReadLiteral(block, ref at, headers, ref refusal);
            }

            if (outcome != HpackOutcome.Decoded)
                return outcome;
        }

        return refusal;
    }

    private HpackOutcome ReadSizeUpdate(ReadOnlySpan<byte> block, ref int at)
    {
        HpackOutcome outcome = HpackInteger.TryRead(block, ref at, 5, out int size);
        if (outcome != HpackOutcome.Decoded)
            return outcome;
        if (size > _tableLimit)
            return HpackOutcome.TableSizeTooLarge;
        _table.Resize(size);
        _owesSizeUpdate = false;
        return HpackOutcome.Decoded;
    }

    private HpackOutcome ReadIndexed(ReadOnlySpan<byte> block, ref int at, HeaderList headers, ref HpackOutcome refusal)
    {
        HpackOutcome outcome = HpackInteger.TryRead(block, ref at, 7, out int index);
        if (outcome != HpackOutcome.Decoded)
            return outcome;
        outcome = CheckIndex(index, isInserted: false);
        if (outcome != HpackOutcome.Decoded)
            return outcome;
        bool isStatic = index <= StaticTable.Count;
        ReadOnlySpan<byte> name = NameOf(index);
        ReadOnlySpan<byte> value = isStatic ? StaticTable.ValueOf(index) : _table.ValueOf(index - StaticTable.Count - 1);
        if (Fits(headers, name.Length + value.Length, ref refusal))
            headers.Add(name, value);
        return HpackOutcome.Decoded;
    }

    private HpackOutcome ReadLiteral(ReadOnlySpan<byte> block, ref int at, HeaderList headers, ref HpackOutcome refusal)
    {
        // 01: indexed afterwards, 6 bits; 0001: never indexed, 4 bits; 0000: not indexed, 4 bits (sections 6.2.1 to 6.2.3).
        bool isInserted = (block[at] & 0xC0) == 0x40;
        bool isNever = (block[at] & 0xF0) == 0x10;
        HpackOutcome outcome = HpackInteger.TryRead(block, ref at, isInserted ? 6 : 4, out int index);
        if (outcome != HpackOutcome.Decoded)
            return outcome;

        outcome = CheckIndex(index == 0 ? 1 : index, isInserted);
        if (outcome != HpackOutcome.Decoded)
            return outcome;

        // Name and value are put behind the last field first: the table may move or drop its own bytes, and a refused field
        // still has to enter it.
        int nameLength;
        if (index == 0)
        {
            outcome = ReadString(block, ref at, headers, 0, out nameLength);
            if (outcome != HpackOutcome.Decoded)
                return outcome;
        }
        else
        {
            ReadOnlySpan<byte> name = NameOf(index);
            nameLength = name.Length;
            name.CopyTo(headers.Tail(nameLength));
        }

        outcome = ReadString(block, ref at, headers, nameLength, out int valueLength);
        if (outcome != HpackOutcome.Decoded)
            return outcome;

        if (isInserted)
        {
            ReadOnlySpan<byte> field = headers.Tail(nameLength + valueLength);
            _table.Insert(field[..nameLength], field.Slice(nameLength, valueLength));
        }

        if (Fits(headers, nameLength + valueLength, ref refusal))
            headers.Commit(nameLength, valueLength, isInserted ? HeaderIndexing.Allowed : isNever ? HeaderIndexing.Never : HeaderIndexing.Skipped);
        return HpackOutcome.Decoded;
    }

    private ReadOnlySpan<byte> NameOf(int index) =>
        index <= StaticTable.Count ? StaticTable.NameOf(index) : _table.NameOf(index - StaticTable.Count - 1);

    private HpackOutcome CheckIndex(int index, bool isInserted)
    {
        if (index == 0 || index > StaticTable.Count + _table.Count)
            return HpackOutcome.UnknownIndex;
        // Encoders that never use the table, such as HttpClient's, do not follow a smaller size either, which harms nobody.
        bool usesTable = isInserted || index > StaticTable.Count;
        return _owesSizeUpdate && usesTable ? HpackOutcome.TableSizeMissing : HpackOutcome.Decoded;
    }

    private static HpackOutcome ReadString(ReadOnlySpan<byte> block, ref int at, HeaderList headers, int offset, out int length)
    {
        length = 0;
        if (at == block.Length)
            return HpackOutcome.Truncated;
        bool isHuffman = block[at] >= 0x80;
        HpackOutcome outcome = HpackInteger.TryRead(block, ref at, 7, out int wireLength);
        if (outcome != HpackOutcome.Decoded)
            return outcome;
        if (wireLength > block.Length - at)
            return HpackOutcome.Truncated;

        ReadOnlySpan<byte> wire = block.Slice(at, wireLength);
        at += wireLength;
        if (isHuffman)
        {
            length = Huffman.Decode(wire, headers.Tail(offset + Huffman.MaxDecodedLength(wireLength))[offset..]);
            return length >= 0 ? HpackOutcome.Decoded : HpackOutcome.BadHuffman;
        }

        wire.CopyTo(headers.Tail(offset + wireLength)[offset..]);
        length = wireLength;
        return HpackOutcome.Decoded;
    }

    private bool Fits(HeaderList headers, int length, ref HpackOutcome refusal)
    {
        if (refusal != HpackOutcome.Decoded)
            return false;
        if (headers.Size + length + HeaderList.FieldOverhead > _maxListBytes)
            refusal = HpackOutcome.ListTooLarge;
        else if (headers.Count == _maxFields)
            refusal = HpackOutcome.TooManyFields;
        return refusal == HpackOutcome.Decoded;
    }
}
