namespace Ambient.Controller.Authority;

/// <summary>Where the authority is: in the state folder, or in two files that were given.</summary>
/// <param name="certificate">The given file of certificates; null for the state folder's.</param>
/// <param name="key">The given file of the key; null for the state folder's.</param>
internal sealed class AuthorityFiles(StateFolder state, string? certificate, string? key)
{
    /// <summary>For messages.</summary>
    internal string Place => certificate ?? state.Path;

    /// <summary>The public texts, whose change is a change of the authority.</summary>
    internal string Read() => certificate is not null
        ? File.ReadAllText(certificate)
        : string.Join('\n', state.TryRead(AuthorityKeys.CertificateFile), state.TryRead(RootRotation.NextCertificate), state.TryRead(RootRotation.PreviousCertificate));

    /// <summary>Reads the authority, or makes one on the first start.</summary>
    /// <exception cref="AuthorityException">The files are no authority.</exception>
    internal AuthorityKeys Open(DateTimeOffset now) => certificate is not null && key is not null
        ? AuthorityKeys.Read(File.ReadAllText(certificate), File.ReadAllText(key), certificate)
        : AuthorityKeys.OfState(state, now);
}
