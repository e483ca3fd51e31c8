namespace Ambient.Controller.Authority;

/// <summary>An authority whose certificates and key somebody may replace while it signs.</summary>
internal interface IAuthorityPlace
{
    CertificateAuthority Authority { get; }

    /// <summary>The public texts that are in force. Others mean that the authority is another one.</summary>
    string InForce { get; }

    /// <summary>Reads the public texts as they are now.</summary>
    /// <exception cref="IOException">They cannot be read for the moment.</exception>
    ValueTask<string> ReadAsync(CancellationToken cancellation);

    /// <summary>Takes up what is there now.</summary>
    /// <exception cref="AuthorityException">It is no authority; the one before stays.</exception>
    ValueTask ReloadAsync(CancellationToken cancellation);
}
