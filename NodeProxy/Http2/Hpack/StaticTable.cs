using System.Text;

namespace Ambient.NodeProxy.Http2.Hpack;

/// <summary>The headers that both sides know from the start. Source: RFC 7541, appendix A.</summary>
internal static class StaticTable
{
    /// <summary>Entries, numbered from 1.</summary>
    public const int Count = 61;

    private static readonly (byte[] Name, byte[] Value)[] Entries = [.. Texts().Select(e => (Encoding.ASCII.GetBytes(e.Name), Encoding.ASCII.GetBytes(e.Value)))];

    public static ReadOnlySpan<byte> Name(int index) => Entries[index - 1].Name;

    public static ReadOnlySpan<byte> Value(int index) => Entries[index - 1].Value;

    /// <summary>The entry with this name and value, or only the name.</summary>
    /// <returns>The index and whether the value fits too; 0 for none.</returns>
    public static (int Index, bool WithValue) Find(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        int named = 0;
        for (int i = 0; i < Entries.Length; i++)
        {
            if (!name.SequenceEqual(Entries[i].Name)) continue;
            if (value.SequenceEqual(Entries[i].Value)) return (i + 1, true);
            if (named == 0) named = i + 1;
        }

        return (named, false);
    }

    private static IEnumerable<(string Name, string Value)> Texts() =>
    [
        (":authority", ""), (":method", "GET"), (":method", "POST"), (":path", "/"), (":path", "/index.html"), (":scheme", "http"),
        (":scheme", "https"), (":status", "200"), (":status", "204"), (":status", "206"), (":status", "304"), (":status", "400"),
        (":status", "404"), (":status", "500"), ("accept-charset", ""), ("accept-encoding", "gzip, deflate"), ("accept-language", ""),
        ("accept-ranges", ""), ("accept", ""), ("access-control-allow-origin", ""), ("age", ""), ("allow", ""), ("authorization", ""),
        ("cache-control", ""), ("content-disposition", ""), ("content-encoding", ""), ("content-language", ""), ("content-length", ""),
        ("content-location", ""), ("content-range", ""), ("content-type", ""), ("cookie", ""), ("date", ""), ("etag", ""), ("expect", ""),
        ("expires", ""), ("from", ""), ("host", ""), ("if-match", ""), ("if-modified-since", ""), ("if-none-match", ""), ("if-range", ""),
        ("if-unmodified-since", ""), ("last-modified", ""), ("link", ""), ("location", ""), ("max-forwards", ""), ("proxy-authenticate", ""),
        ("proxy-authorization", ""), ("range", ""), ("referer", ""), ("refresh", ""), ("retry-after", ""), ("server", ""), ("set-cookie", ""),
        ("strict-transport-security", ""), ("transfer-encoding", ""), ("user-agent", ""), ("vary", ""), ("via", ""), ("www-authenticate", ""),
    ];
}
