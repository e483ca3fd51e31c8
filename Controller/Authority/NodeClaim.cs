namespace Ambient.Controller.Authority;

/// <summary>What a token proves, or why it proves nothing. Holds no part of the token.</summary>
/// <param name="Node">The node that it speaks for; empty if it was refused.</param>
/// <param name="Pod">The pod that it is bound to, with whose end the token ends; null for a join token.</param>
/// <param name="Fault">Why it was refused.</param>
/// <param name="Reason">The same for a person; empty if it was not.</param>
internal sealed record NodeClaim(string Node, BoundPod? Pod, TokenFault Fault, string Reason)
{
    internal static NodeClaim Of(string node, BoundPod? pod) => new(node, pod, TokenFault.None, "");

    internal static NodeClaim Refused(TokenFault fault, string reason) => new("", null, fault, reason);
}

/// <summary>The pod that a service account token was made for.</summary>
internal sealed record BoundPod(string Namespace, string Name, string Uid);

/// <summary>Why a token was refused.</summary>
internal enum TokenFault
{
    /// <summary>It was not.</summary>
    None,

    /// <summary>It is none, not ours, for somebody else, or of somebody who is no node.</summary>
    Bad,

    /// <summary>It was good and is no more.</summary>
    Expired,

    /// <summary>Its address brings bad tokens again and again.</summary>
    TooOften,

    /// <summary>Whoever could say so cannot be asked.</summary>
    Unreviewed,
}
