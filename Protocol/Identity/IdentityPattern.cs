namespace Ambient.Protocol.Identity;

/// <summary>
/// Names several SPIFFE IDs: text for text, <c>*</c> in place of one whole segment of any text, and <c>*</c> at the very end for any
/// rest (<c>spiffe://cluster.local/ns/shop/sa/web-*</c>, <c>spiffe://*/ns/shop/sa/web</c>, <c>*</c> for everybody who has proven one).
/// What a <c>*</c> stands for is never empty. Case counts.
/// </summary>
public static class IdentityPattern
{
    // spiffe: / (empty) / trust domain / ns / namespace / sa / account: what a `*` may be completed to, so that one grammar decides.
    private static readonly string[] Completions = ["spiffe:", "", "x", "ns", "x", "sa", "x"];

    /// <summary>Why a text is no such pattern, for a person; null if it is one. A pattern that no valid identity can match is none.</summary>
    public static string? FaultOf(string? pattern)
    {
        if (string.IsNullOrEmpty(pattern))
            return "it is empty";
        if (pattern.Length > SpiffeId.MaxLength)
            return $"it is longer than {SpiffeId.MaxLength} characters";
        if (pattern == "*")
            return null;
        string[] segments = pattern.Split('/');
        if (segments[0] != "spiffe:" || segments.Length < 3)
            return "it does not begin with spiffe://";
        if (segments.Length > Completions.Length)
            return "it has more segments than spiffe://DOMAIN/ns/NAMESPACE/sa/ACCOUNT";
        int last = segments.Length - 1;
        for (int i = 0; i < last; i++)
        {
            if (segments[i] == "*")
                segments[i] = Completions[i];
        }
        string text = string.Join('/', segments);
        if (segments[last].EndsWith('*'))
        {
            // "ns" and "sa" can be completed in one way only; a name in any.
            string begun = segments[last][..^1];
            string whole = Completions[last];
            if (whole is not "x" && !whole.StartsWith(begun, StringComparison.Ordinal))
                return $"no identity has a segment that begins with {begun} there";
            segments[last] = whole is "x" ? begun + whole : whole;
            text = string.Join('/', [.. segments, .. Completions[segments.Length..]]);
        }
        return SpiffeId.TryParse(text, out _, out string? reason) ? null
            : text.Contains('*') ? "a * stands for a whole segment, or at the end for any rest" : reason;
    }

    /// <summary>Whether an identity is meant. Allocates nothing.</summary>
    public static bool Matches(ReadOnlySpan<char> pattern, ReadOnlySpan<char> identity)
    {
        while (true)
        {
            int patternEnd = pattern.IndexOf('/');
            int identityEnd = identity.IndexOf('/');
            if (patternEnd < 0)
            {
                // A `*` in a pattern is no character of an identity, so the comparison text for text cannot take one for the other.
                return pattern.EndsWith('*')
                    ? identity.Length >= pattern.Length && identity.StartsWith(pattern[..^1], StringComparison.Ordinal)
                    : pattern.SequenceEqual(identity);
            }
            if (identityEnd < 0)
                return false;
            ReadOnlySpan<char> segment = pattern[..patternEnd];
            if (segment is "*" ? identityEnd == 0 : !segment.SequenceEqual(identity[..identityEnd]))
                return false;
            pattern = pattern[(patternEnd + 1)..];
            identity = identity[(identityEnd + 1)..];
        }
    }
}
