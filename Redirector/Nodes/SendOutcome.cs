namespace Ambient.Redirector.Nodes;

/// <summary>What became of a packet.</summary>
internal enum SendOutcome
{
    Sent,

    /// <summary>It waits until the peer reads.</summary>
    Queued,

    /// <summary>The peer is gone, or has not read for too long.</summary>
    Broken,
}
