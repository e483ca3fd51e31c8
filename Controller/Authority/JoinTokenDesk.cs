namespace Ambient.Controller.Authority;

/// <summary>Nodes that show join tokens: what standalone meshes use.</summary>
internal sealed class JoinTokenDesk(JoinTokens tokens, TimeProvider time) : INodeAuthenticator
{
    /// <inheritdoc/>
    public ValueTask<NodeClaim> IdentifyAsync(string token, string peer, CancellationToken cancellation) => ValueTask.FromResult(
        tokens.TryVerify(token, time.GetUtcNow(), out var node, out var isExpired, out var reason)
            ? NodeClaim.Of(node, null)
            : NodeClaim.Refused(isExpired ? TokenFault.Expired : TokenFault.Bad, reason));
}
