using System.Buffers;

namespace Ambient.NodeProxy.Http2;

/// <summary>Byte sets of names and values (RFC 9110 section 5, RFC 9113 section 8.2.1, RFC 3986). Pure.</summary>
internal static class FieldGrammar
{
    private static readonly SearchValues<byte> LowerToken = SearchValues.Create("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"u8);
    private static readonly SearchValues<byte> Token =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"u8);
    private static readonly SearchValues<byte> Scheme =
        SearchValues.Create("+-.0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"u8);
    private static readonly SearchValues<byte> Breaking = SearchValues.Create("\0\r\n"u8);

    /// <summary>A field's name on HTTP/2: a token without upper case.</summary>
    public static bool IsName(ReadOnlySpan<byte> text) => !text.IsEmpty && !text.ContainsAnyExcept(LowerToken);

    /// <summary>A field's value: nothing that HTTP/1.1 would read as an end of line, and no space or tab at its ends.</summary>
    public static bool IsValue(ReadOnlySpan<byte> text) =>
        text.IsEmpty || (!IsBlank(text[0]) && !IsBlank(text[^1]) && !text.ContainsAny(Breaking));

    /// <summary>A method.</summary>
    public static bool IsToken(ReadOnlySpan<byte> text) => !text.IsEmpty && !text.ContainsAnyExcept(Token);

    /// <summary>A scheme.</summary>
    public static bool IsScheme(ReadOnlySpan<byte> text) => !text.IsEmpty && char.IsAsciiLetter((char)text[0]) && !text.ContainsAnyExcept(Scheme);

    /// <summary>An authority without the user part that RFC 9113 section 8.3.1 forbids, as far as bytes tell.</summary>
    public static bool IsAuthority(ReadOnlySpan<byte> text) => IsVisible(text) && !text.ContainsAny((byte)'@', (byte)'/', (byte)'\\');

    /// <summary>A path with its query, or the asterisk of OPTIONS.</summary>
    public static bool IsPath(ReadOnlySpan<byte> text) => (text.StartsWith("/"u8) || text.SequenceEqual("*"u8)) && IsVisible(text);

    /// <summary>A status: three digits, and not 101, which HTTP/2 does not have (section 8.6).</summary>
    public static bool IsStatus(ReadOnlySpan<byte> text) =>
        text.Length == 3 && text[0] is >= (byte)'1' and <= (byte)'9' && IsNumber(text) && !text.SequenceEqual("101"u8);

    /// <summary>Digits, at least one.</summary>
    public static bool IsNumber(ReadOnlySpan<byte> text) => !text.IsEmpty && !text.ContainsAnyExceptInRange((byte)'0', (byte)'9');

    private static bool IsVisible(ReadOnlySpan<byte> text) => !text.IsEmpty && !text.ContainsAnyInRange((byte)0, (byte)' ') && !text.Contains((byte)0x7F);

    private static bool IsBlank(byte value) => value is (byte)' ' or (byte)'\t';
}
