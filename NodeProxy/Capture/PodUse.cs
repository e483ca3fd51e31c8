namespace Ambient.NodeProxy.Capture;

/// <summary>For what something uses a pod's namespace; each is counted apart.</summary>
internal enum PodUse
{
    /// <summary>A connection of its app that has no way yet.</summary>
    OpeningOut,

    /// <summary>A plain connection that arrived and has not reached its app yet.</summary>
    OpeningIn,

    /// <summary>A stream of a peer's tunnel that has not reached its app yet.</summary>
    OpeningStream,

    /// <summary>A connection that is carried.</summary>
    Open,

    /// <summary>A connection that is carried on another pod's account: both ends are on this node.</summary>
    Guest,
}
