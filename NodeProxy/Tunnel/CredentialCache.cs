using Ambient.NodeProxy.Identity;
using Ambient.Protocol.Identity;

namespace Ambient.NodeProxy.Tunnel;

/// <summary>The pods' certificates as TLS contexts, on one loop. A context is a pod's own, so that no session outlives its pod.</summary>
internal sealed class CredentialCache(IdentityStore identities)
{
    private readonly Dictionary<string, LinkCredentials> _byPod = [];

    /// <summary>What the pod speaks with now; null while its certificate has not arrived or is over.</summary>
    /// <param name="podUid">The pod.</param>
    /// <param name="id">Its identity.</param>
    public LinkCredentials? Current(string podUid, SpiffeId id)
    {
        if (identities.Find(id) is not { } svid) return null;
        if (_byPod.TryGetValue(podUid, out var known) && known.Svid.Generation == svid.Generation && known.Svid.Id == svid.Id) return known;
        // The old one is not disposed: a dial under way still needs it. Its handles are freed with the last reference.
        return _byPod[podUid] = new LinkCredentials(svid);
    }

    /// <summary>The pod is over: its sessions are forgotten.</summary>
    public void Forget(string podUid)
    {
        if (_byPod.Remove(podUid, out var known)) known.Dispose();
    }
}
