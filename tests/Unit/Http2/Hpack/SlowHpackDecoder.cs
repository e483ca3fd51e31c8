using System.Text;
using Ambient.NodeProxy.Http2.Hpack;

namespace Ambient.Tests.Unit.Http2.Hpack;

/// <summary>
/// RFC 7541 in the most obvious way: strings, lists, one bit at a time. Shares only the static tables with the product, which
/// other tests prove.
/// </summary>
internal sealed class SlowHpackDecoder(int maxListBytes, int maxFields, int tableLimit = 4_096)
{
    private static readonly Dictionary<string, int> Symbols =
        Enumerable.Range(0, 257).ToDictionary(symbol => Convert.ToString(HuffmanCode.CodeOf(symbol), 2).PadLeft(HuffmanCode.Lengths[symbol], '0'));

    private readonly List<(string Name, string Value)> _table = [];
    private int _maxSize = 4_096;

    public int TableBytes => _table.Sum(entry => entry.Name.Length + entry.Value.Length + 32);

    public HpackOutcome Decode(byte[] block, out List<string> lines)
    {
        lines = [];
        var refusal = HpackOutcome.Decoded;
        int size = 0;
        bool sawField = false;
        var rest = new Queue<byte>(block);
        try
        {
            while (rest.Count > 0)
            {
                string bits = Convert.ToString(rest.Peek(), 2).PadLeft(8, '0');
                if (bits.StartsWith("001", StringComparison.Ordinal))
                {
                    if (sawField)
                        return HpackOutcome.TableSizeMisplaced;
                    int max = Integer(rest, 5);
                    if (max > tableLimit)
                        return HpackOutcome.TableSizeTooLarge;
                    _maxSize = max;
                    Evict(0);
                    continue;
                }

                sawField = true;
                string name;
                string value;
                if (bits[0] == '1')
                {
                    (name, value) = Entry(Integer(rest, 7));
                }
                else
                {
                    int index = Integer(rest, bits[1] == '1' ? 6 : 4);
                    name = index == 0 ? Text(rest) : Entry(index).Name;
                    value = Text(rest);
                    if (bits[1] == '1')
                        Insert(name, value);
                }

                int fieldSize = name.Length + value.Length + 32;
                if (refusal == HpackOutcome.Decoded && size + fieldSize > maxListBytes)
                    refusal = HpackOutcome.ListTooLarge;
                if (refusal == HpackOutcome.Decoded && lines.Count == maxFields)
                    refusal = HpackOutcome.TooManyFields;
                if (refusal == HpackOutcome.Decoded)
                {
                    size += fieldSize;
                    lines.Add($"{name}: {value}");
                }
            }

            return refusal;
        }
        catch (Broken broken)
        {
            return broken.Outcome;
        }
    }

    private (string Name, string Value) Entry(int index)
    {
        if (index == 0 || index > StaticTable.Count + _table.Count)
            throw new Broken(HpackOutcome.UnknownIndex);
        return index > StaticTable.Count
            ? _table[index - StaticTable.Count - 1]
            : (Encoding.Latin1.GetString(StaticTable.NameOf(index)), Encoding.Latin1.GetString(StaticTable.ValueOf(index)));
    }

    private void Insert(string name, string value)
    {
        int size = name.Length + value.Length + 32;
        Evict(size);
        if (size <= _maxSize)
            _table.Insert(0, (name, value));
    }

    private void Evict(int coming)
    {
        while (_table.Count > 0 && TableBytes + coming > _maxSize)
            _table.RemoveAt(_table.Count - 1);
    }

    private static int Integer(Queue<byte> rest, int prefixBits)
    {
        if (rest.Count == 0)
            throw new Broken(HpackOutcome.Truncated);
        long max = (1 << prefixBits) - 1;
        long value = rest.Dequeue() & max;
        if (value < max)
            return (int)value;
        for (int i = 0; i < 5; i++)
        {
            if (rest.Count == 0)
                throw new Broken(HpackOutcome.Truncated);
            byte next = rest.Dequeue();
            value += (next % 128) * (long)Math.Pow(128, i);
            if (next < 128)
                return value <= int.MaxValue ? (int)value : throw new Broken(HpackOutcome.IntegerTooLarge);
        }

        throw new Broken(HpackOutcome.IntegerTooLarge);
    }

    private static string Text(Queue<byte> rest)
    {
        bool isHuffman = rest.Count > 0 && rest.Peek() >= 128;
        int length = Integer(rest, 7);
        if (length > rest.Count)
            throw new Broken(HpackOutcome.Truncated);
        byte[] raw = [.. Enumerable.Range(0, length).Select(_ => rest.Dequeue())];
        return isHuffman ? Unfold(raw) : Encoding.Latin1.GetString(raw);
    }

    private static string Unfold(byte[] raw)
    {
        string bits = string.Concat(raw.Select(value => Convert.ToString(value, 2).PadLeft(8, '0')));
        var text = new StringBuilder();
        string code = "";
        foreach (char bit in bits)
        {
            code += bit;
            if (!Symbols.TryGetValue(code, out int symbol))
                continue;
            if (symbol == HuffmanCode.EndOfString)
                throw new Broken(HpackOutcome.BadHuffman);
            text.Append((char)symbol);
            code = "";
        }

        return code.Length < 8 && !code.Contains('0') ? text.ToString() : throw new Broken(HpackOutcome.BadHuffman);
    }

    private sealed class Broken(HpackOutcome outcome) : Exception
    {
        public HpackOutcome Outcome => outcome;
    }
}
