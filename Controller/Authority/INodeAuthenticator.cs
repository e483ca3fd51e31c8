namespace Ambient.Controller.Authority;

/// <summary>Says which node a bearer token speaks for. Any thread may call it.</summary>
internal interface INodeAuthenticator
{
    /// <summary>Looks at a token.</summary>
    /// <param name="peer">The address that it came from, for limits.</param>
    /// <exception cref="OperationCanceledException">The caller gave up.</exception>
    ValueTask<NodeClaim> IdentifyAsync(string token, string peer, CancellationToken cancellation);
}
