namespace Ambient.Controller.Snapshots;

/// <summary>
/// Full views, encoded once for all nodes of a scope. One serves for newer versions too, as long as the changes since are few: they follow
/// as its last part (<see cref="EncodedDelta.FollowedBy"/>). It is forgotten when nobody is being sent it any more. Any thread may call it.
/// </summary>
internal sealed class FullViews(ViewHistory history)
{
    /// <summary>Most changed keys since a full view is encoded that is sent all the same.</summary>
    internal const int MaxKeysBehind = 10_000;

    private readonly Lock _lock = new();
    private readonly Dictionary<(ViewScope Scope, bool IsCompressed), WeakReference<Task<EncodedDelta>>> _views = [];

    /// <summary>A full view of at least a version.</summary>
    /// <param name="isCompressed">For nodes that take that.</param>
    /// <param name="above">One of a later version: a node refused this one, or holds what is newer.</param>
    internal Task<EncodedDelta> OfAsync(ViewScope scope, bool isCompressed, ulong above)
    {
        lock (_lock)
        {
            if (_views.TryGetValue((scope, isCompressed), out var weak) && weak.TryGetTarget(out var known) && !known.IsFaulted
                && (!known.IsCompletedSuccessfully || (known.Result.Version > above && history.KeysSince(known.Result.Version) <= MaxKeysBehind)))
            {
                return known;
            }
            foreach (var (gone, _) in _views.Where(view => !view.Value.TryGetTarget(out _)).ToList())
                _views.Remove(gone);
            // Some hundred megabytes take a moment, for which neither the history nor a stream's thread is held.
            var fresh = Task.Run(() =>
            {
                var (version, fingerprint, resources) = history.Whole(scope);
                return DeltaEncoder.Full(new DeltaHead(version, ViewHistory.NewNonce(), fingerprint), resources, isCompressed);
            });
            _views[(scope, isCompressed)] = new WeakReference<Task<EncodedDelta>>(fresh);
            return fresh;
        }
    }
}
