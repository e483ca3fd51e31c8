using System.Collections.Concurrent;
using Ambient.Controller.Replicas;
using k8s;
using k8s.Models;

namespace Ambient.Controller.Authority;

/// <summary>
/// Nodes that show the token of their service account, as kubelet projects it into the pod of NodeProxy. The API server says whether it is
/// good (TokenReview); it has to be for our audience, of the nodes' account, and bound to a pod: where that pod runs is the node.
/// </summary>
/// <param name="namespace">The namespace of the mesh's own parts.</param>
/// <param name="placeOf">The node of a pod by its UID, as far as the source knows; null if it does not.</param>
internal sealed class TokenReviewDesk(Func<IKubernetes> client, string @namespace, Func<string, string?> placeOf, TimeProvider time, ILogger logger) : INodeAuthenticator
{
    /// <summary>The audience of the tokens; any other token of the same account, say one for the API itself, is refused.</summary>
    internal const string Audience = "ambient.mesh/controller";

    /// <summary>The service account of NodeProxy.</summary>
    internal const string Account = "ambient-node";

    // After a controller's end all of its nodes come at once; the API server is not to suffer from it.
    private const int ReviewsAtOnce = 32;

    // A node with a wrong mount tries forever, every few seconds; whoever tries more often than that does not look for its mistake.
    private const int BadBurst = 20, BadPerSecond = 1, MaxAddresses = 4096;

    // TokenReview's extra fields (k8s.io/apiserver, authentication/serviceaccount). The node's name is there since Kubernetes 1.30.
    private const string PodName = "authentication.kubernetes.io/pod-name", PodUid = "authentication.kubernetes.io/pod-uid",
        NodeName = "authentication.kubernetes.io/node-name";

    private readonly SemaphoreSlim _reviews = new(ReviewsAtOnce);
    private readonly ReviewedTokens _good = new(time);
    private readonly ConcurrentDictionary<string, RateLimit> _bad = new();
    private readonly string _user = $"system:serviceaccount:{@namespace}:{Account}";

    /// <inheritdoc/>
    public async ValueTask<NodeClaim> IdentifyAsync(string token, string peer, CancellationToken cancellation)
    {
        if (_good.TryGet(token) is { } known)
            return known;
        if (token.Length > TokenText.MaxLength)
            return NodeClaim.Refused(TokenFault.Bad, $"the token is longer than {TokenText.MaxLength} characters");
        var text = TokenText.TryRead(token);
        if (text is not null && FaultOf(text) is { } fault)
            return fault;
        if (!AllowanceOf(peer).TryTake())
            return NodeClaim.Refused(TokenFault.TooOften, "too many tokens of this address were refused: try again later");
        await _reviews.WaitAsync(cancellation);
        try
        {
            var claim = await ReviewAsync(token, cancellation);
            if (claim.Fault == TokenFault.None)
            {
                _bad.TryRemove(AddressOf(peer), out _); // good ones cost nothing
                _good.Keep(token, claim, text?.Expires);
            }
            return claim;
        }
        catch (ClusterException e)
        {
            logger.TokenNotReviewed(e.Message);
            return NodeClaim.Refused(TokenFault.Unreviewed, "the Kubernetes API cannot be asked about the token now: try again later");
        }
        finally
        {
            _reviews.Release();
        }
    }

    // What the API server would refuse as well, with the reason that helps whoever mounted the wrong token.
    private NodeClaim? FaultOf(TokenText text)
    {
        if (text.Expires is { } expires && expires <= time.GetUtcNow())
            return NodeClaim.Refused(TokenFault.Expired, $"the token expired at {expires:u}");
        if (!text.Audiences.Contains(Audience))
            return NodeClaim.Refused(TokenFault.Bad, $"the token is not for audience {Audience}: is it the projected one?");
        return text.Subject == _user ? null : NodeClaim.Refused(TokenFault.Bad, $"the token is not of service account {@namespace}/{Account}");
    }

    private async Task<NodeClaim> ReviewAsync(string token, CancellationToken cancellation)
    {
        var review = new V1TokenReview { Spec = new V1TokenReviewSpec { Token = token, Audiences = [Audience] } };
        var answer = await ClusterCall.Async("review a node's token",
            limited => client().AuthenticationV1.CreateTokenReviewAsync(review, cancellationToken: limited), cancellation);
        var status = answer.Status;
        if (status?.Authenticated != true)
            return NodeClaim.Refused(TokenFault.Bad, "the Kubernetes API does not know the token, or it is for another audience, has expired, or its pod is gone");
        // An authenticator that knows nothing of audiences answers without any: then the token may be one for the API itself.
        if (status.Audiences?.Contains(Audience) != true)
            return NodeClaim.Refused(TokenFault.Bad, $"the token is not for audience {Audience}");
        if (status.User?.Username != _user)
            return NodeClaim.Refused(TokenFault.Bad, $"the token is not of service account {@namespace}/{Account}");
        if (Extra(status, PodName) is not { } name || Extra(status, PodUid) is not { } uid)
            return NodeClaim.Refused(TokenFault.Bad, "the token is not bound to a pod");
        var pod = new BoundPod(@namespace, name, uid);
        return await NodeOfAsync(status, pod, cancellation) is { } node
            ? NodeClaim.Of(node, pod)
            : NodeClaim.Refused(TokenFault.Bad, "the token's pod is gone or not placed on a node");
    }

    private async Task<string?> NodeOfAsync(V1TokenReviewStatus status, BoundPod pod, CancellationToken cancellation)
    {
        if ((Extra(status, NodeName) ?? placeOf(pod.Uid)) is { } known)
            return known;
        var found = await ClusterCall.OrNullAsync($"read Pod {pod.Namespace}/{pod.Name}",
            limited => client().CoreV1.ReadNamespacedPodAsync(pod.Name, pod.Namespace, cancellationToken: limited), cancellation);
        return found?.Metadata.Uid == pod.Uid && !string.IsNullOrEmpty(found.Spec.NodeName) ? found.Spec.NodeName : null;
    }

    private static string? Extra(V1TokenReviewStatus status, string key) =>
        status.User?.Extra is { } extra && extra.TryGetValue(key, out var values) && values is [{ Length: > 0 } value] ? value : null;

    private RateLimit AllowanceOf(string peer)
    {
        if (_bad.Count >= MaxAddresses)
            _bad.Clear();
        return _bad.GetOrAdd(AddressOf(peer), _ => new RateLimit(BadBurst, BadPerSecond, time));
    }

    // Like "ipv4:10.1.2.3:4711" (gRPC); the port is another one each time.
    private static string AddressOf(string peer) => peer.LastIndexOf(':') is > 0 and var end ? peer[..end] : peer;
}
