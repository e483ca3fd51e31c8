using System.Security.Cryptography;
using System.Text;

namespace Ambient.Controller.Authority;

/// <summary>
/// Tokens that the API server found good a moment ago, by their hash: a node whose stream breaks need not be reviewed for each connect.
/// A token's end is seen at once, its revocation within <see cref="KeepFor"/>. Any thread may call it.
/// </summary>
/// <param name="capacity">How many are kept at most; beyond that the oldest go.</param>
internal sealed class ReviewedTokens(TimeProvider time, int capacity = ReviewedTokens.DefaultCapacity)
{
    /// <summary>How long a review is believed.</summary>
    internal static readonly TimeSpan KeepFor = TimeSpan.FromMinutes(1);

    private const int DefaultCapacity = 20_000; // about 4 MB

    private readonly Lock _lock = new();
    private readonly OrderedDictionary<string, (NodeClaim Claim, DateTimeOffset Until)> _kept = [];

    internal NodeClaim? TryGet(string token)
    {
        lock (_lock)
            return _kept.TryGetValue(KeyOf(token), out var kept) && time.GetUtcNow() < kept.Until ? kept.Claim : null;
    }

    /// <param name="expires">The token's own end; null if unknown.</param>
    internal void Keep(string token, NodeClaim claim, DateTimeOffset? expires)
    {
        var until = time.GetUtcNow() + KeepFor;
        if (expires < until)
            until = expires.Value;
        lock (_lock)
        {
            var key = KeyOf(token);
            _kept.Remove(key);
            if (_kept.Count >= capacity)
                _kept.RemoveAt(0);
            _kept.Add(key, (claim, until));
        }
    }

    private static string KeyOf(string token) => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(token)));
}
