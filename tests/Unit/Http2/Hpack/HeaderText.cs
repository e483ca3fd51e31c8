using System.Text;
using Ambient.NodeProxy.Http2.Hpack;

namespace Ambient.Tests.Unit.Http2.Hpack;

/// <summary>Header lists as text, one <c>name: value</c> a line, for tests that compare them.</summary>
internal static class HeaderText
{
    public static HeaderList List(params string[] lines)
    {
        var list = new HeaderList();
        foreach (string line in lines)
        {
            int colon = line.IndexOf(": ", 1, StringComparison.Ordinal);
            list.Add(Encoding.Latin1.GetBytes(line[..colon]), Encoding.Latin1.GetBytes(line[(colon + 2)..]));
        }

        return list;
    }

    public static string[] Lines(HeaderList list)
    {
        var lines = new List<string>();
        foreach (HeaderField field in list)
            lines.Add($"{field.NameText}: {field.ValueText}");
        return [.. lines];
    }

    public static byte[] Hex(string text) => Convert.FromHexString(text.Replace(" ", "", StringComparison.Ordinal));

    public static byte[] Encode(HpackEncoder encoder, HeaderList list)
    {
        var room = new byte[HpackEncoder.MaxEncodedLength(list)];
        return room[..encoder.Encode(list, room)];
    }
}
