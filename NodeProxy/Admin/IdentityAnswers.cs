namespace Ambient.NodeProxy.Admin;

/// <summary>The answer of <c>/identities</c>. No key is in it.</summary>
/// <param name="Missing">Identities whose pods are in the mesh or on their way and that have no valid certificate.</param>
/// <param name="Roots">What peers are checked with.</param>
internal sealed record IdentitiesAnswer(
    string Node, IReadOnlyList<IdentityStanding> Identities, IReadOnlyList<MissingIdentity> Missing, IReadOnlyList<RootStanding> Roots);

/// <param name="Pods">Namespace and name of this node's pods that it speaks for.</param>
/// <param name="Serial">The leaf's serial number, hexadecimal.</param>
/// <param name="RenewsAt">When a newer one is asked for; null while nobody plans to.</param>
internal sealed record IdentityStanding(
    string Identity,
    IReadOnlyList<string> Pods,
    string Issuer,
    string Serial,
    DateTimeOffset NotBefore,
    DateTimeOffset NotAfter,
    DateTimeOffset? RenewsAt,
    long Generation);

internal sealed record MissingIdentity(string Identity, IReadOnlyList<string> Pods);

/// <param name="Sha256">Of the certificate, hexadecimal.</param>
internal sealed record RootStanding(string Subject, string Sha256, DateTimeOffset NotAfter);
