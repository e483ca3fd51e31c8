using Ambient.Native.Netlink;

namespace Ambient.Redirector.Capture;

/// <summary>What <see cref="PodWatch"/> tells. Called on the loop.</summary>
internal interface IPodWatcher
{
    /// <summary>Commits to nftables, or the answer of a sweep.</summary>
    /// <param name="isComplete">False: some may be missing.</param>
    void OnCommits(IReadOnlyList<NftCommit> commits, bool isComplete);

    /// <summary>Rules, routes or links changed.</summary>
    void OnRouting(RouteChanges changes);

    /// <summary>Whether one of the pod's addresses is still on a link; null when it cannot be looked at just now.</summary>
    bool? HoldsAddress();

    /// <summary>Time to look at what sends no events.</summary>
    void OnSweep();

    /// <summary>Time to look at what sends events too: some may have been lost. Follows <see cref="OnSweep"/>.</summary>
    /// <returns>False: not now, the pod is being worked on.</returns>
    bool OnThoroughSweep();

    /// <summary>Time to count.</summary>
    /// <returns>False: not now, the pod is being worked on.</returns>
    bool OnCount();

    /// <summary>The pod has ended.</summary>
    void OnEnded(string reason);
}
