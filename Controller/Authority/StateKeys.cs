using Ambient.Protocol.Orders;

namespace Ambient.Controller.Authority;

/// <summary>All that the controller signs with, opened together, and the two public files that nodes are given beforehand.</summary>
internal sealed record StateKeys(CertificateAuthority Authority, OrderSigner Orders, JoinTokens Tokens)
{
    private const string BundleFile = "bundle.pem";

    /// <summary>Reads the keys, makes those that are missing, and writes STATE/bundle.pem and STATE/order-key.pem.</summary>
    /// <exception cref="AuthorityException">A key cannot be used.</exception>
    internal static StateKeys Open(StateFolder state, ControllerOptions options, TimeProvider time) =>
        Open(state, options.CaCertificate, options.CaKey, options.LeafLifetime, time);

    /// <inheritdoc cref="Open(StateFolder, ControllerOptions, TimeProvider)"/>
    /// <param name="caCertificate">File of an authority that was given; null for the one in the state folder.</param>
    internal static StateKeys Open(StateFolder state, string? caCertificate, string? caKey, TimeSpan leafLifetime, TimeProvider time)
    {
        var keys = caCertificate is not null && caKey is not null
            ? AuthorityKeys.Read(File.ReadAllText(caCertificate), File.ReadAllText(caKey), caCertificate)
            : AuthorityKeys.OfState(state, time.GetUtcNow());
        var authority = new CertificateAuthority(keys, leafLifetime, time);
        if (authority.IsExpired)
            throw new AuthorityException($"the certificate of the authority in {caCertificate ?? state.Path} has expired");
        if (state.TryRead(BundleFile) != authority.TrustBundlePem)
            state.WritePublic(BundleFile, authority.TrustBundlePem);
        return new StateKeys(authority, OrderKeys.OfState(state), JoinTokens.OfState(state));
    }
}
