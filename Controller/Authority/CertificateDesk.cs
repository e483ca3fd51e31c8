using System.Collections.Concurrent;
using Ambient.Protocol.Certificates;
using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Identity;
using Google.Protobuf;

namespace Ambient.Controller.Authority;

/// <summary>
/// Decides on certificate requests of nodes. A node gets certificates for the identities of pods that are placed on it and
/// enrolled, and for nobody else's. Any thread may call it.
/// </summary>
/// <param name="faultOf">Why a node may not have a certificate for an identity; null if it may.</param>
internal sealed class CertificateDesk(CertificateAuthority authority, Func<string, SpiffeId, string?> faultOf, TimeProvider time)
{
    /// <summary>Requests that a node may make at once: all pods of a full node, twice.</summary>
    internal const int Burst = 500;

    /// <summary>Requests a second that a node may make in the long run.</summary>
    internal const int PerSecond = 20;

    // By node, not by stream: connecting again fills no bucket. Tokens bound how many nodes there can be.
    private readonly ConcurrentDictionary<string, RateLimit> _limits = new();

    /// <summary>Answers a request.</summary>
    /// <param name="node">Who asks, by its token.</param>
    /// <param name="refusal">Why not, for counting.</param>
    internal CertificateAnswer Answer(string node, ulong requestId, CertificateRequest request, out CertificateRefusal refusal)
    {
        // What is no identity is not repeated: it comes back to us in logs.
        var answer = new CertificateAnswer { SpiffeId = SpiffeId.TryParse(request.SpiffeId, out _, out _) ? request.SpiffeId : "", RequestId = requestId };
        (refusal, answer.Refusal) = Decide(node, request, answer);
        return answer;
    }

    private (CertificateRefusal Refusal, string Reason) Decide(string node, CertificateRequest request, CertificateAnswer answer)
    {
        if (!_limits.GetOrAdd(node, _ => new RateLimit(Burst, PerSecond, time)).TryTake())
            return (CertificateRefusal.TooOften, $"node {node} asks for more than {PerSecond} certificates a second: try again later");
        if (!CertificateRequests.TryRead(request.Csr.Span, out var id, out var key, out var reason))
            return (CertificateRefusal.BadRequest, $"bad request: {reason}");
        if (id.ToString() != request.SpiffeId)
            return (CertificateRefusal.BadRequest, "bad request: it names another identity than the message around it");
        if (faultOf(node, id) is { } fault)
            return (CertificateRefusal.NotTheirs, fault);
        if (authority.IsExpired)
            return (CertificateRefusal.AuthorityExpired, "the authority's own certificate has expired");
        var chain = authority.Issue(id, key);
        answer.Chain.Add(chain.Select(c => ByteString.CopyFrom(c.RawData)));
        chain[0].Dispose();
        answer.TrustBundle.Add(authority.TrustBundle.Select(r => ByteString.CopyFrom(r)));
        return (CertificateRefusal.None, "");
    }
}
