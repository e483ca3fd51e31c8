using Ambient.Native.Tls;
using Ambient.NodeProxy.Engine;
using Ambient.NodeProxy.Identity;
using Ambient.Protocol.Identity;

namespace Ambient.NodeProxy.Tunnel;

/// <summary>The pods' certificates as TLS contexts, on one loop. A context is a pod's own, so that no session outlives its pod.</summary>
internal sealed class CredentialCache(IdentityStore identities)
{
    private readonly Dictionary<string, LinkCredentials> _byPod = [];
    private bool _isRehearsed;
    private TlsTrust? _trust;

    /// <summary>What the pod speaks with now; null while its certificate has not arrived or is over.</summary>
    /// <param name="podUid">The pod.</param>
    /// <param name="id">Its identity.</param>
    public LinkCredentials? Current(string podUid, SpiffeId id)
    {
        if (identities.Find(id) is not { } svid) return null;
        if (_byPod.TryGetValue(podUid, out var known) && known.Svid.Generation == svid.Generation && known.Svid.Id == svid.Id) return known;
        // The old one is not disposed: a dial under way still needs it. Its handles are freed with the last reference.
        return _byPod[podUid] = new LinkCredentials(svid, TrustOf);
    }

    /// <summary>
    /// Rehearses a handshake on the calling loop, once, with the first certificate that is there: before it no pod is served, so nobody waits
    /// for this; after it the first call finds made what all pods share. A pod's own contexts are made when it needs them.
    /// </summary>
    /// <param name="scratch">Of that loop.</param>
    /// <returns>Null, or why that certificate does not work with itself, for a person.</returns>
    public string? Rehearse(LoopScratch scratch)
    {
        if (_isRehearsed || identities.All.FirstOrDefault() is not { } svid) return null;
        _isRehearsed = true;
        var settings = LinkCredentials.SettingsOf(svid, TunnelEntry.TunnelPort);
        return TlsRehearsal.Run(settings, TrustOf, scratch.SendCipher, scratch.ReceiveCipher) is { } reason ? $"{svid.Id}: {reason}" : null;
    }

    /// <summary>The pod is over: its sessions are forgotten.</summary>
    public void Forget(string podUid)
    {
        if (_byPod.Remove(podUid, out var known)) known.Dispose();
    }

    // All certificates mostly have the same roots: made once, they serve every pod. Contexts of the roots before keep those.
    private TlsTrust TrustOf(IReadOnlyList<ReadOnlyMemory<byte>> bundle)
    {
        if (_trust?.Is(bundle) == true) return _trust;
        var made = new TlsTrust(bundle);
        _trust?.Dispose();
        return _trust = made;
    }
}
