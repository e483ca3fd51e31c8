using System.Buffers;

namespace Ambient.NodeProxy.Inbound.Probes;

/// <summary>The alphabets of a request's head. Source: RFC 9110, sections 5.5 and 5.6.2.</summary>
internal static class FieldBytes
{
    /// <summary>token</summary>
    public static readonly SearchValues<byte> OfToken = SearchValues.Create("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"u8);

    /// <summary>VCHAR</summary>
    public static readonly SearchValues<byte> Visible = Create(b => b is > 0x20 and < 0x7f);

    /// <summary>VCHAR, SP, HTAB and obs-text</summary>
    public static readonly SearchValues<byte> OfValue = Create(b => b is 0x09 or (>= 0x20 and not 0x7f));

    /// <summary>The same with the ends of lines.</summary>
    public static readonly SearchValues<byte> OfHead = Create(b => b is 0x09 or 0x0d or 0x0a or (>= 0x20 and not 0x7f));

    private static SearchValues<byte> Create(Func<byte, bool> isIn) =>
        SearchValues.Create([.. Enumerable.Range(0, 256).Select(b => (byte)b).Where(isIn)]);
}
