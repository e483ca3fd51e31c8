using System.Text;

namespace Ambient.NodeProxy.Http2.Hpack;

/// <summary>The 61 entries of RFC 7541 appendix A, numbered from 1.</summary>
internal static class StaticTable
{
    /// <summary>Entries; dynamic ones are numbered from the next on.</summary>
    public const int Count = 61;

    private static readonly Entry[] Entries =
    [
        new(":authority", ""),
        new(":method", "GET"),
        new(":method", "POST"),
        new(":path", "/"),
        new(":path", "/index.html"),
        new(":scheme", "http"),
        new(":scheme", "https"),
        new(":status", "200"),
        new(":status", "204"),
        new(":status", "206"),
        new(":status", "304"),
        new(":status", "400"),
        new(":status", "404"),
        new(":status", "500"),
        new("accept-charset", ""),
        new("accept-encoding", "gzip, deflate"),
        new("accept-language", ""),
        new("accept-ranges", ""),
        new("accept", ""),
        new("access-control-allow-origin", ""),
        new("age", ""),
        new("allow", ""),
        new("authorization", ""),
        new("cache-control", ""),
        new("content-disposition", ""),
        new("content-encoding", ""),
        new("content-language", ""),
        new("content-length", ""),
        new("content-location", ""),
        new("content-range", ""),
        new("content-type", ""),
        new("cookie", ""),
        new("date", ""),
        new("etag", ""),
        new("expect", ""),
        new("expires", ""),
        new("from", ""),
        new("host", ""),
        new("if-match", ""),
        new("if-modified-since", ""),
        new("if-none-match", ""),
        new("if-range", ""),
        new("if-unmodified-since", ""),
        new("last-modified", ""),
        new("link", ""),
        new("location", ""),
        new("max-forwards", ""),
        new("proxy-authenticate", ""),
        new("proxy-authorization", ""),
        new("range", ""),
        new("referer", ""),
        new("refresh", ""),
        new("retry-after", ""),
        new("server", ""),
        new("set-cookie", ""),
        new("strict-transport-security", ""),
        new("transfer-encoding", ""),
        new("user-agent", ""),
        new("vary", ""),
        new("via", ""),
        new("www-authenticate", ""),
    ];

    private static readonly byte[][] ByNameLength = GroupByNameLength();

    /// <summary>The name of an entry, 1 to 61.</summary>
    public static ReadOnlySpan<byte> NameOf(int index) => Entries[index - 1].Name;

    /// <summary>The value of an entry, 1 to 61; often empty.</summary>
    public static ReadOnlySpan<byte> ValueOf(int index) => Entries[index - 1].Value;

    /// <summary>Looks a field up.</summary>
    /// <param name="name">The name, in lower case.</param>
    /// <param name="value">The value.</param>
    /// <param name="nameIndex">An entry of that name, or 0.</param>
    /// <returns>The entry with name and value, or 0.</returns>
    public static int Find(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, out int nameIndex)
    {
        nameIndex = 0;
        if (name.Length >= ByNameLength.Length)
            return 0;
        foreach (byte index in ByNameLength[name.Length])
        {
            Entry entry = Entries[index - 1];
            if (!name.SequenceEqual(entry.Name))
                continue;
            if (value.SequenceEqual(entry.Value))
                return nameIndex = index;
            if (nameIndex == 0)
                nameIndex = index;
        }

        return 0;
    }

    private static byte[][] GroupByNameLength()
    {
        var groups = new byte[Entries.Max(entry => entry.Name.Length) + 1][];
        for (int length = 0; length < groups.Length; length++)
        {
            groups[length] = [.. Enumerable.Range(1, Count).Where(index => NameOf(index).Length == length).Select(index => (byte)index)];
        }

        return groups;
    }

    private sealed class Entry(string name, string value)
    {
        public readonly byte[] Name = Encoding.ASCII.GetBytes(name);
        public readonly byte[] Value = Encoding.ASCII.GetBytes(value);
    }
}
