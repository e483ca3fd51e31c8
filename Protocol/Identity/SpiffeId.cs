using System.Diagnostics.CodeAnalysis;

namespace Ambient.Protocol.Identity;

/// <summary>
/// The name of a workload: <c>spiffe://&lt;trust domain&gt;/ns/&lt;namespace&gt;/sa/&lt;service account&gt;</c>.
/// An instance is always valid. Two are equal exactly if their texts are.
/// Source: SPIFFE-ID specification sections 2.1 to 2.3; the path is the one that Kubernetes meshes agree on.
/// </summary>
public sealed record SpiffeId
{
    /// <summary>Longest accepted text, in bytes (SPIFFE-ID section 2.3).</summary>
    public const int MaxLength = 2048;

    /// <summary>Longest accepted trust domain, in bytes (SPIFFE-ID section 2.3).</summary>
    public const int MaxTrustDomainLength = 255;

    /// <summary>Longest accepted namespace or service account, in bytes: what a Kubernetes object name may have.</summary>
    public const int MaxNameLength = 253;

    private const string Scheme = "spiffe://";
    private readonly string _text;

    private SpiffeId(string trustDomain, string @namespace, string serviceAccount)
    {
        TrustDomain = trustDomain;
        Namespace = @namespace;
        ServiceAccount = serviceAccount;
        _text = $"{Scheme}{trustDomain}/ns/{@namespace}/sa/{serviceAccount}";
    }

    /// <summary>The domain whose authority vouches for this name, in lower case.</summary>
    public string TrustDomain { get; }

    /// <summary>The namespace of the workload.</summary>
    public string Namespace { get; }

    /// <summary>The service account of the workload.</summary>
    public string ServiceAccount { get; }

    /// <summary>Makes a name of its parts.</summary>
    /// <exception cref="ArgumentException">A part is empty, too long, or holds a character that SPIFFE does not allow.</exception>
    public static SpiffeId Of(string trustDomain, string @namespace, string serviceAccount) =>
        TryOf(trustDomain, @namespace, serviceAccount, out var id, out var reason) ? id : throw new ArgumentException(reason);

    /// <summary>Makes a name of its parts.</summary>
    /// <param name="reason">Why there is none, for a person; null on success.</param>
    public static bool TryOf(string? trustDomain, string? @namespace, string? serviceAccount,
        [NotNullWhen(true)] out SpiffeId? id, [NotNullWhen(false)] out string? reason)
    {
        id = null;
        reason = FaultOfTrustDomain(trustDomain)
            ?? FaultOfName("namespace", @namespace)
            ?? FaultOfName("service account", serviceAccount);
        if (reason is not null)
            return false;
        id = new SpiffeId(trustDomain!, @namespace!, serviceAccount!);
        return true;
    }

    /// <summary>
    /// Reads the one accepted spelling: lower-case scheme and trust domain, no port, user, query, fragment, escape,
    /// empty or relative segment, and exactly the five-part path. What it accepts, <see cref="ToString"/> gives back unchanged.
    /// </summary>
    /// <param name="reason">Why the text is no such name, for a person; null on success.</param>
    public static bool TryParse(string? text, [NotNullWhen(true)] out SpiffeId? id, [NotNullWhen(false)] out string? reason)
    {
        id = null;
        if (text is null || !text.StartsWith(Scheme, StringComparison.Ordinal))
        {
            reason = "it does not begin with spiffe://";
            return false;
        }
        if (text.Length > MaxLength)
        {
            reason = $"it is longer than {MaxLength} bytes";
            return false;
        }

        // The bound on the number of parts keeps a text of two thousand slashes from becoming two thousand strings.
        var parts = text[Scheme.Length..].Split('/', 6);
        if (parts.Length != 5 || parts[1] != "ns" || parts[3] != "sa")
        {
            reason = FaultOfTrustDomain(parts[0]) ?? "its path is not /ns/<namespace>/sa/<service account>";
            return false;
        }
        return TryOf(parts[0], parts[2], parts[4], out id, out reason);
    }

    /// <summary>Says whether a text can be a trust domain.</summary>
    /// <param name="reason">Why not, for a person; null if it can.</param>
    public static bool IsTrustDomain(string? trustDomain, [NotNullWhen(false)] out string? reason) =>
        (reason = FaultOfTrustDomain(trustDomain)) is null;

    /// <inheritdoc/>
    public bool Equals(SpiffeId? other) => other is not null && _text == other._text;

    /// <inheritdoc/>
    public override int GetHashCode() => _text.GetHashCode(StringComparison.Ordinal);

    /// <summary>The text of the name, as it stands in a certificate.</summary>
    public override string ToString() => _text;

    private static string? FaultOfTrustDomain(string? domain)
    {
        if (string.IsNullOrEmpty(domain))
            return "its trust domain is empty";
        if (domain.Length > MaxTrustDomainLength)
            return $"its trust domain is longer than {MaxTrustDomainLength} bytes";
        foreach (var c in domain)
        {
            if (!(char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '.' or '-' or '_'))
                return "its trust domain holds something else than a-z, 0-9, '.', '-' and '_'";
        }
        return null;
    }

    private static string? FaultOfName(string what, string? name)
    {
        if (string.IsNullOrEmpty(name))
            return $"its {what} is empty";
        if (name.Length > MaxNameLength)
            return $"its {what} is longer than {MaxNameLength} bytes";
        if (name is "." or "..")
            return $"its {what} is a relative path segment";
        foreach (var c in name)
        {
            if (!(char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_'))
                return $"its {what} holds something else than letters, digits, '.', '-' and '_'";
        }
        return null;
    }
}
