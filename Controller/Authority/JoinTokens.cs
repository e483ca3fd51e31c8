using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Ambient.Controller.Authority;

/// <summary>
/// Join tokens: <c>ambient1.&lt;node&gt;.&lt;expiry&gt;.&lt;mac&gt;</c>, the node in base64url, the expiry in Unix seconds, and
/// HMAC-SHA256 over what stands before it. A token names one node and says nothing secret but its last part. Never logged.
/// </summary>
internal sealed class JoinTokens
{
    private const string Prefix = "ambient1";
    private const string KeyFile = "token-key";
    private const int MaxLength = 1024;
    private readonly byte[] _key;

    private JoinTokens(byte[] key) => _key = key;

    /// <summary>Reads the key of a state folder, or makes one.</summary>
    /// <exception cref="AuthorityException">The file holds something else.</exception>
    internal static JoinTokens OfState(StateFolder state)
    {
        var text = state.TryRead(KeyFile)?.Trim();
        if (text is null)
        {
            text = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
            state.WritePrivate(KeyFile, text + "\n");
        }
        return text.Length == 64 && text.All(char.IsAsciiHexDigit)
            ? new JoinTokens(Convert.FromHexString(text))
            : throw new AuthorityException($"{Path.Combine(state.Path, KeyFile)}: expected 64 hexadecimal digits");
    }

    /// <summary>Makes a token.</summary>
    /// <param name="expires">The token is good until, and not at, this time.</param>
    internal string Create(string node, DateTimeOffset expires)
    {
        var claims = $"{Prefix}.{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(node))}.{expires.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture)}";
        return $"{claims}.{Base64Url.EncodeToString(MacOf(claims))}";
    }

    /// <summary>Reads the node out of a token.</summary>
    /// <param name="reason">Why the token is no good, without any part of it; null on success.</param>
    internal bool TryVerify(string? token, DateTimeOffset now, [NotNullWhen(true)] out string? node, [NotNullWhen(false)] out string? reason) =>
        TryVerify(token, now, out node, out _, out reason);

    /// <inheritdoc cref="TryVerify(string?, DateTimeOffset, out string?, out string?)"/>
    /// <param name="isExpired">It was good once.</param>
    internal bool TryVerify(
        string? token, DateTimeOffset now, [NotNullWhen(true)] out string? node, out bool isExpired, [NotNullWhen(false)] out string? reason)
    {
        node = null;
        isExpired = false;
        reason = "the join token was not made by this controller";
        if (token is null || token.Length > MaxLength || token.LastIndexOf('.') is not (> 0 and var end))
            return false;
        var claims = token[..end];
        Span<byte> mac = stackalloc byte[32];
        if (!TryDecode(token.AsSpan(end + 1), mac) || !CryptographicOperations.FixedTimeEquals(mac, MacOf(claims)))
            return false;

        // From here on the text is one that Create made.
        var parts = claims.Split('.');
        if (parts.Length != 3 || parts[0] != Prefix || !long.TryParse(parts[2], NumberStyles.None, CultureInfo.InvariantCulture, out var expires))
            return false;
        if (now.ToUnixTimeSeconds() >= expires)
        {
            isExpired = true;
            reason = "the join token has expired: make another one with `ambient-controller token`";
            return false;
        }
        node = Encoding.UTF8.GetString(Base64Url.DecodeFromChars(parts[1]));
        reason = null;
        return true;
    }

    private static bool TryDecode(ReadOnlySpan<char> text, Span<byte> mac)
    {
        // 32 bytes are exactly 43 characters; other lengths, padding and white space are other spellings of nothing.
        if (text.Length != 43 || text.ContainsAny(" \t\r\n="))
            return false;
        try
        {
            return Base64Url.TryDecodeFromChars(text, mac, out var written) && written == mac.Length;
        }
        catch (FormatException)
        {
            return false;
        }
    }

    private byte[] MacOf(string claims) => HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes(claims));
}
