using Ambient.Native.Events;
using Ambient.Native.Netlink;
using Ambient.Redirector.Loop;

namespace Ambient.Redirector.Capture;

/// <summary>
/// Watches one pod's namespace: events of nftables and routing, the end of its first process, the path it was found at, its addresses;
/// and a sweep for what sends no events or whose events were lost. Owned by the loop.
/// </summary>
internal sealed class PodWatch : IDisposable
{
    private static readonly TimeSpan _sweepInterval = TimeSpan.FromSeconds(3);

    // In sweeps. A node with hundreds of pods must not spend its time on asking for what nobody changed.
    private const int CountEvery = 3, ThoroughEvery = 10;

    // The end of a pod must be noticed within a second, and a path sends no event.
    private static readonly TimeSpan _pathInterval = TimeSpan.FromMilliseconds(400);

    // A CNI plugin may take an address away and put it back.
    private static readonly TimeSpan _addressGrace = TimeSpan.FromMilliseconds(300);

    private readonly EventLoop _loop;
    private readonly PodNamespace _pod;
    private readonly IPodWatcher _watcher;
    private readonly List<LoopWatch> _watches = [];
    private readonly List<NftCommit> _commits = [];
    private LoopTimer? _sweep, _path, _address;
    private int _sweeps;
    private bool _isThoroughDue, _isCountDue, _isEnded;

    public PodWatch(EventLoop loop, PodNamespace pod, IPodWatcher watcher)
    {
        (_loop, _pod, _watcher) = (loop, pod, watcher);
        _watches.Add(loop.Watch(pod.RulesWatch.Number, EpollEvents.In, _ => ReadRules()));
        _watches.Add(loop.Watch(pod.RouteWatch.Number, EpollEvents.In, _ => ReadRouting()));
        if (pod.FirstProcess is { } process)
            _watches.Add(loop.Watch(process.Number, EpollEvents.In, _ => watcher.OnEnded("its first process ended")));
        else
            LookAtPath();
        SweepLater();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _isEnded = true;
        _sweep?.Cancel();
        _path?.Cancel();
        _address?.Cancel();
        foreach (var watch in _watches)
            watch.Dispose();
    }

    private void ReadRules()
    {
        _commits.Clear();
        bool isComplete = _pod.RulesWatch.Read(_commits);
        if (_commits.Count > 0 || !isComplete)
            _watcher.OnCommits(_commits, isComplete);
    }

    private void ReadRouting()
    {
        var changes = _pod.RouteWatch.Read();
        if ((changes & (RouteChanges.Addresses | RouteChanges.Links)) != 0 && _address is not { IsCancelled: false } && _watcher.HoldsAddress() != true)
            _address = _loop.After(_addressGrace, LookAtAddress);
        if ((changes & (RouteChanges.Rules | RouteChanges.Routes | RouteChanges.Links)) != 0)
            _watcher.OnRouting(changes);
    }

    private void LookAtAddress()
    {
        bool? holds = _watcher.HoldsAddress();
        if (holds is null)
            _address = _loop.After(_addressGrace, LookAtAddress);
        else if (holds == false)
            _watcher.OnEnded("its address is gone from its network namespace");
    }

    private void LookAtPath()
    {
        if (!_pod.IsPathCurrent)
            _watcher.OnEnded("its network namespace is gone from its path");
        else
            _path = _loop.After(_pathInterval, LookAtPath);
    }

    private void SweepLater() => _sweep = _loop.After(_sweepInterval, () =>
    {
        _watcher.OnSweep();
        // What a pod has no time for now is asked for again with the next sweep.
        _isThoroughDue |= _sweeps % ThoroughEvery == 0;
        _isCountDue |= _sweeps % CountEvery == 0;
        _sweeps++;
        if (_isThoroughDue)
            _isThoroughDue = !_watcher.OnThoroughSweep();
        if (_isCountDue)
            _isCountDue = !_watcher.OnCount();
        if (!_isEnded)
            SweepLater();
    });
}
