using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Ambient.Protocol.Certificates;
using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Identity;
using Google.Protobuf;

namespace Ambient.NodeProxy.Identity;

/// <summary>
/// Sees to it that every identity with an enrolled pod on this node has a certificate: asks for one, with a new key each time; asks again
/// when there is no answer or a bad one; renews at half of its validity, give or take a tenth of that, so that identities that started
/// together do not renew together; drops it when it ends or when the last pod leaves. Belongs to one task; does no I/O.
/// </summary>
/// <param name="store">Gets what is good.</param>
/// <param name="time">The clock.</param>
/// <param name="random">From 0 to below 1.</param>
public sealed class CertificateKeeper(IdentityStore store, TimeProvider time, Func<double> random)
{
    /// <summary>How long an answer may take.</summary>
    public static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan LeastRetry = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan MostRetry = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LongestSleep = TimeSpan.FromMinutes(1);

    private readonly Dictionary<SpiffeId, Care> _cared = [];
    private ImmutableArray<byte[]> _trustBundle = [];

    /// <summary>The roots now in force, DER. Certificates already held get them as well.</summary>
    public ImmutableArray<byte[]> TrustBundle
    {
        get => _trustBundle;
        set
        {
            if (value.IsEmpty)
                return;   // a controller that names none leaves them as they are
            _trustBundle = value;
            store.ReplaceTrustBundle(value);
            RenewUntrusted();
        }
    }

    /// <summary>How long nothing has to be done, at most a minute.</summary>
    public TimeSpan UntilNext
    {
        get
        {
            DateTimeOffset next = time.GetUtcNow() + LongestSleep;
            foreach (Care care in _cared.Values)
            {
                if (care.NextAt < next)
                    next = care.NextAt;
                if (care.EndsAt < next)
                    next = care.EndsAt.Value;
            }
            return next - time.GetUtcNow();
        }
    }

    /// <summary>Cares for these identities and no others; certificates of others are dropped.</summary>
    public void Want(IReadOnlySet<SpiffeId> wanted)
    {
        foreach (SpiffeId id in _cared.Keys.Where(id => !wanted.Contains(id)).ToList())
        {
            _cared.Remove(id, out Care? care);
            care!.ForgetKey();
            store.Drop(id);
        }
        foreach (Svid held in store.All.Where(held => !wanted.Contains(held.Id)))
            store.Drop(held.Id);   // restored from the process before, and no longer needed
        foreach (SpiffeId id in wanted)
        {
            if (!_cared.ContainsKey(id))
                _cared.Add(id, store.Find(id) is { } held ? new Care { NextAt = RenewalOf(held), EndsAt = held.NotAfter } : new Care { NextAt = time.GetUtcNow() });
        }
    }

    /// <summary>Drops certificates that have ended.</summary>
    public void DropExpired()
    {
        DateTimeOffset now = time.GetUtcNow();
        foreach ((SpiffeId id, Care care) in _cared)
        {
            if (care.EndsAt is null || now < care.EndsAt)
                continue;
            store.Drop(id);
            care.EndsAt = null;
        }
    }

    /// <summary>Makes the requests that are due now.</summary>
    /// <param name="most">How many may be under way at once.</param>
    public IReadOnlyList<CertificateRequest> TakeDue(int most)
    {
        DateTimeOffset now = time.GetUtcNow();
        var due = new List<CertificateRequest>();
        int underWay = 0;
        foreach (Care care in _cared.Values)
        {
            if (care.Key is null)
                continue;
            if (now >= care.NextAt)
                Retry(care, now);   // no answer in time
            else
                underWay++;
        }
        // Identities without a certificate before renewals: their pods wait.
        foreach ((SpiffeId id, Care care) in _cared.Where(entry => entry.Value.Key is null && now >= entry.Value.NextAt).OrderBy(entry => entry.Value.EndsAt is not null))
        {
            if (underWay++ >= most)
                break;
            care.Key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            care.NextAt = now + AnswerTimeout;
            due.Add(new CertificateRequest { SpiffeId = id.ToString(), Csr = ByteString.CopyFrom(CertificateRequests.Create(care.Key, id)) });
        }
        return due;
    }

    /// <summary>Takes the controller's answer to a request; puts the certificate into the store if it is good.</summary>
    /// <param name="svid">What is in the store now, or null.</param>
    /// <param name="reason">What is wrong, for a person, or null.</param>
    public bool Answer(CertificateAnswer answer, [NotNullWhen(true)] out Svid? svid, [NotNullWhen(false)] out string? reason)
    {
        svid = null;
        if (!SpiffeId.TryParse(answer.SpiffeId, out SpiffeId? id, out reason))
            return false;
        if (!_cared.TryGetValue(id, out Care? care) || care.Key is null)
        {
            reason = "nobody asked for it";
            return false;
        }
        if (!CertificateCheck.TryAccept(answer, id, care.Key, _trustBundle, time.GetUtcNow(), out svid, out reason))
        {
            Retry(care, time.GetUtcNow());
            return false;
        }
        svid = store.Put(svid);
        care.ForgetKey();
        (care.NextAt, care.EndsAt, care.Failures) = (RenewalOf(svid), svid.NotAfter, 0);
        return true;
    }

    /// <summary>No answers will come to what was asked: it is asked again on the next stream, at once.</summary>
    public void StreamLost()
    {
        foreach (Care care in _cared.Values)
        {
            if (care.Key is null)
                continue;
            care.ForgetKey();
            care.NextAt = time.GetUtcNow();
        }
    }

    // Of a root that was retired before its time: peers refuse it from now on, so it is renewed at once.
    private void RenewUntrusted()
    {
        foreach ((SpiffeId id, Care care) in _cared)
        {
            if (care.Key is null && store.Find(id) is { } held && !CertificateCheck.LeadsToRoot(held, time.GetUtcNow()))
                care.NextAt = time.GetUtcNow();
        }
    }

    private DateTimeOffset RenewalOf(Svid svid)
    {
        DateTimeOffset at = svid.NotBefore + ((svid.NotAfter - svid.NotBefore) * (0.5 * (0.9 + (0.2 * random()))));
        store.NoteRenewal(svid.Id, at);
        return at;
    }

    private void Retry(Care care, DateTimeOffset now)
    {
        care.ForgetKey();
        double doubled = Math.Min(MostRetry.TotalSeconds, 2 * LeastRetry.TotalSeconds * Math.Pow(2, Math.Min(care.Failures++, 30)));
        care.NextAt = now + TimeSpan.FromSeconds(doubled * (1 - (0.5 * random())));
    }

    /// <summary>What is known of one identity. With a key: asked, and <see cref="NextAt"/> is when the patience ends.</summary>
    private sealed class Care
    {
        public ECDsa? Key { get; set; }

        public DateTimeOffset NextAt { get; set; }

        public DateTimeOffset? EndsAt { get; set; }   // of the certificate in the store

        public int Failures { get; set; }

        public void ForgetKey()
        {
            Key?.Dispose();
            Key = null;
        }
    }
}
