using System.Collections.Immutable;
using Ambient.Protocol.Identity;

namespace Ambient.NodeProxy.Identity;

/// <summary>The certificates of this node's identities. Readers take no lock; any thread may write.</summary>
public sealed class IdentityStore
{
    private readonly Lock _lock = new();
    private ImmutableDictionary<SpiffeId, Svid> _svids = ImmutableDictionary<SpiffeId, Svid>.Empty;
    private ImmutableDictionary<SpiffeId, DateTimeOffset> _renewals = ImmutableDictionary<SpiffeId, DateTimeOffset>.Empty;
    private long _lastGeneration;

    /// <summary>An identity got a certificate, a newer one, other roots, or lost its certificate. Raised on the writer's thread: post on and return.</summary>
    public event Action<SpiffeId>? Changed;

    /// <summary>Everything in it, as of now.</summary>
    public IReadOnlyCollection<Svid> All => [.. Volatile.Read(ref _svids).Values];

    /// <summary>The certificate of an identity, or null if it has none. It is dropped within a second of its end.</summary>
    public Svid? Find(SpiffeId id) => Volatile.Read(ref _svids).GetValueOrDefault(id);

    /// <summary>When a newer certificate of an identity is going to be asked for; null while nobody plans to.</summary>
    public DateTimeOffset? RenewalOf(SpiffeId id) => Volatile.Read(ref _renewals).TryGetValue(id, out DateTimeOffset at) ? at : null;

    /// <summary>Notes when a newer certificate of an identity is going to be asked for.</summary>
    public void NoteRenewal(SpiffeId id, DateTimeOffset at)
    {
        lock (_lock)
            Volatile.Write(ref _renewals, _renewals.SetItem(id, at));
    }

    /// <summary>Takes a certificate in under the next generation.</summary>
    public Svid Put(Svid svid)
    {
        lock (_lock)
        {
            svid = svid with { Generation = ++_lastGeneration };
            Volatile.Write(ref _svids, _svids.SetItem(svid.Id, svid));
        }
        Changed?.Invoke(svid.Id);
        return svid;
    }

    /// <summary>Drops a certificate.</summary>
    /// <returns>There was one.</returns>
    public bool Drop(SpiffeId id)
    {
        lock (_lock)
        {
            if (!_svids.ContainsKey(id))
                return false;
            Volatile.Write(ref _svids, _svids.Remove(id));
            Volatile.Write(ref _renewals, _renewals.Remove(id));
        }
        Changed?.Invoke(id);
        return true;
    }

    /// <summary>Gives every certificate the roots that are now in force; those that have them already stay as they are.</summary>
    public void ReplaceTrustBundle(ImmutableArray<byte[]> bundle)
    {
        foreach (Svid svid in All)
        {
            if (!AreSame(svid.TrustBundle, bundle))
                Put(svid with { TrustBundle = bundle });
        }
    }

    private static bool AreSame(ImmutableArray<byte[]> left, ImmutableArray<byte[]> right) =>
        left.Length == right.Length && left.Zip(right).All(pair => pair.First.AsSpan().SequenceEqual(pair.Second));
}
