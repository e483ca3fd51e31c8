using System.Collections.Immutable;
using Ambient.Protocol.Identity;

namespace Ambient.NodeProxy.Identity;

/// <summary>A key, the certificate that says whose it is, and the roots to check peers against. Lives in memory only.</summary>
/// <param name="Id">Whose it is.</param>
/// <param name="Generation">Rises by one with each that the store takes in, over all identities; part of the key of links.</param>
/// <param name="Chain">The certificates, DER, leaf first, without the root.</param>
/// <param name="PrivateKeyPkcs8">The leaf's ECDSA P-256 key.</param>
/// <param name="NotBefore">When the leaf begins to be valid.</param>
/// <param name="NotAfter">When the leaf ends to be valid.</param>
/// <param name="TrustBundle">The roots, DER.</param>
public sealed record Svid(
    SpiffeId Id,
    long Generation,
    ImmutableArray<byte[]> Chain,
    byte[] PrivateKeyPkcs8,
    DateTimeOffset NotBefore,
    DateTimeOffset NotAfter,
    ImmutableArray<byte[]> TrustBundle)
{
    /// <summary>Whose it is and until when; never the key.</summary>
    public override string ToString() => $"{Id} generation {Generation}, valid {NotBefore:O} to {NotAfter:O}";
}
