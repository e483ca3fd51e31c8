using Ambient.Protocol.Orders;

namespace Ambient.Controller.Authority;

/// <summary>All that the controller signs with, opened together, and the two public files that nodes are given beforehand.</summary>
internal sealed record StateKeys(CertificateAuthority Authority, OrderSigner Orders, JoinTokens Tokens, AuthorityFiles AuthorityFiles, StateFolder State, TimeProvider Time)
    : IAuthorityPlace
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
        var files = new AuthorityFiles(state, caCertificate, caKey);
        var authority = new CertificateAuthority(files.Open(time.GetUtcNow()), leafLifetime, time);
        if (authority.IsExpired)
            throw new AuthorityException($"the certificate of the authority in {files.Place} has expired");
        var keys = new StateKeys(authority, OrderKeys.OfState(state), JoinTokens.OfState(state), files, state, time) { InForce = files.Read() };
        keys.WriteBundle();
        return keys;
    }

    /// <inheritdoc/>
    public string InForce { get; private set; } = "";

    /// <inheritdoc/>
    public ValueTask<string> ReadAsync(CancellationToken cancellation) => ValueTask.FromResult(AuthorityFiles.Read());

    /// <inheritdoc/>
    public ValueTask ReloadAsync(CancellationToken cancellation)
    {
        var text = AuthorityFiles.Read();
        Authority.Replace(AuthorityFiles.Open(Time.GetUtcNow()));
        WriteBundle();
        InForce = text;
        return ValueTask.CompletedTask;
    }

    private void WriteBundle()
    {
        if (State.TryRead(BundleFile) != Authority.TrustBundlePem)
            State.WritePublic(BundleFile, Authority.TrustBundlePem);
    }
}
