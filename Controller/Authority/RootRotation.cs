using System.Globalization;

namespace Ambient.Controller.Authority;

/// <summary>
/// The steps from one root to the next, as entries of its state (a folder, or a Secret); a serving controller follows them. Each step is refused until the one
/// before it has had its effect, and begun again after a crash it ends the same.
/// </summary>
/// <remarks>
/// <code>
///   one root --add--> two roots, the old one signs --switch--> two roots, the new one signs --retire--> one root
/// </code>
/// The controller's own server certificate comes from the old root until that is retired: a node that was away meanwhile, and has the old
/// bundle only, can still connect and learn the new one.
/// </remarks>
internal sealed class RootRotation(IStateStore state, TimeProvider time)
{
    internal const string NextKey = "ca-next-key.pem", NextCertificate = "ca-next-cert.pem";
    internal const string PreviousKey = "ca-previous-key.pem", PreviousCertificate = "ca-previous-cert.pem";

    // When the next step may follow, in seconds of Unix time.
    internal const string DueFile = "ca-rotation-due";

    /// <summary>How long a bundle with the next root takes to be with every node that is connected, with a margin.</summary>
    internal static readonly TimeSpan Distribution = TimeSpan.FromMinutes(1);

    /// <summary>Makes the next root. From now on all trust it; it signs nothing yet.</summary>
    /// <exception cref="AuthorityException">A rotation is under way, or there is no authority to follow.</exception>
    internal void Add()
    {
        if (state.TryRead(AuthorityKeys.CertificateFile) is null)
            throw new AuthorityException($"{state.Place} holds no authority of its own: with one that was given, add the next root to the end of its file");
        if (state.TryRead(PreviousCertificate) is not null)
            throw new AuthorityException("the root before is still trusted: `root retire` comes first");
        if (state.TryRead(NextCertificate) is not null)
            throw new AuthorityException("the next root is there already: `root switch` comes next");
        var now = time.GetUtcNow();
        WriteDue(now + Distribution);
        AuthorityKeys.Make(state, NextKey, NextCertificate, now);
    }

    /// <summary>Has the next root sign from now on.</summary>
    /// <param name="leafLifetime">Of the serving controller: so long the old root has to be trusted.</param>
    /// <param name="isForced">Nodes that have not heard of the next root yet will refuse what it signed.</param>
    /// <exception cref="AuthorityException">There is no next root, or it has not been with the nodes long enough.</exception>
    internal void Switch(TimeSpan leafLifetime, bool isForced)
    {
        var (key, certificate) = (state.TryRead(NextKey), state.TryRead(NextCertificate));
        if (key is null || certificate is null)
            throw new AuthorityException("there is no next root: `root add` comes first");
        if (state.TryRead(PreviousCertificate) is null)
            ThrowUnlessDue(isForced, "nodes may not have heard of the next root yet");
        // Until the next one is gone from its place, this step is not done: what it wrote it then writes again.
        if (state.TryRead(PreviousCertificate) is null)
        {
            state.WritePrivate(PreviousKey, state.TryRead(AuthorityKeys.KeyFile)!);
            state.WritePublic(PreviousCertificate, state.TryRead(AuthorityKeys.CertificateFile)!);
        }
        WriteDue(time.GetUtcNow() + leafLifetime + Distribution);
        state.WritePrivate(AuthorityKeys.KeyFile, key);
        state.WritePublic(AuthorityKeys.CertificateFile, certificate);
        state.Delete(NextCertificate);
        state.Delete(NextKey);
    }

    /// <summary>Ends the trust in the root before.</summary>
    /// <param name="isForced">Whoever still has a certificate of it has to renew at once, and is refused until then.</param>
    /// <exception cref="AuthorityException">There is none, or its last certificates have not ended yet.</exception>
    internal void Retire(bool isForced)
    {
        if (state.TryRead(PreviousCertificate) is null)
            throw new AuthorityException("there is no root before this one that is still trusted");
        ThrowUnlessDue(isForced, "certificates that the root before signed may still be in use");
        state.Delete(PreviousCertificate);
        state.Delete(PreviousKey);
        state.Delete(DueFile);
    }

    private void WriteDue(DateTimeOffset due) => state.WritePublic(DueFile, due.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture) + "\n");

    private void ThrowUnlessDue(bool isForced, string why)
    {
        if (isForced || !long.TryParse(state.TryRead(DueFile)?.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var seconds))
            return;
        var due = DateTimeOffset.FromUnixTimeSeconds(Math.Min(seconds, DateTimeOffset.MaxValue.ToUnixTimeSeconds()));
        if (time.GetUtcNow() < due)
            throw new AuthorityException($"{why} until {due:u}; --now does it all the same");
    }
}
