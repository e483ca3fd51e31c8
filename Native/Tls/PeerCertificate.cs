namespace Ambient.Native.Tls;

/// <summary>What the peer's leaf certificate says. That it says so proves nothing before the chain is verified.</summary>
public sealed class PeerCertificate
{
    /// <summary>The whole certificate as DER.</summary>
    public required byte[] Der { get; init; }

    /// <summary>
    /// All subject alternative names of type URI, in order, byte for byte as Latin-1: a NUL or a foreign character in it is kept
    /// and fails every strict parser, instead of cutting the name short. Empty when the extension is missing or malformed.
    /// </summary>
    public required IReadOnlyList<string> UriSans { get; init; }

    /// <summary>Valid from then on, to the second.</summary>
    public required DateTimeOffset NotBefore { get; init; }

    /// <summary>Valid until then, to the second.</summary>
    public required DateTimeOffset NotAfter { get; init; }
}
