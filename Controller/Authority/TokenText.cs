using System.Buffers.Text;
using System.Collections.Immutable;
using System.Text.Json;

namespace Ambient.Controller.Authority;

/// <summary>
/// What a service account token says of itself (RFC 7519), unverified: anybody can write that. It serves to refuse early and with a reason
/// what the API server would refuse as well, never to let in.
/// </summary>
/// <param name="Subject">Empty if it names none.</param>
/// <param name="Expires">Null if it names no time.</param>
internal sealed record TokenText(string Subject, ImmutableArray<string> Audiences, DateTimeOffset? Expires)
{
    /// <summary>Longest token that is looked at, in characters. Projected tokens have about 1,200.</summary>
    internal const int MaxLength = 16 << 10;

    /// <summary>Reads a token's payload.</summary>
    /// <returns>Null if the text is no JSON Web Token.</returns>
    internal static TokenText? TryRead(string token)
    {
        var parts = token.Split('.');
        if (parts.Length != 3)
            return null;
        try
        {
            using var payload = JsonDocument.Parse(Base64Url.DecodeFromChars(parts[1]), new JsonDocumentOptions { MaxDepth = 8 });
            var claims = payload.RootElement;
            if (claims.ValueKind != JsonValueKind.Object)
                return null;
            return new TokenText(
                claims.TryGetProperty("sub", out var subject) && subject.ValueKind == JsonValueKind.String ? subject.GetString()! : "",
                claims.TryGetProperty("aud", out var audience) ? AudiencesOf(audience) : [],
                claims.TryGetProperty("exp", out var expires) && expires.ValueKind == JsonValueKind.Number && expires.TryGetDouble(out var seconds)
                    && seconds is >= 0 and < 253_402_300_800 // the year 10000
                    ? DateTimeOffset.UnixEpoch.AddSeconds(seconds) : null);
        }
        catch (Exception e) when (e is FormatException or JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    // One audience may stand without the list around it (RFC 7519, section 4.1.3).
    private static ImmutableArray<string> AudiencesOf(JsonElement audience) => audience.ValueKind switch
    {
        JsonValueKind.String => [audience.GetString()!],
        JsonValueKind.Array => [.. audience.EnumerateArray().Where(a => a.ValueKind == JsonValueKind.String).Select(a => a.GetString()!)],
        _ => [],
    };
}
