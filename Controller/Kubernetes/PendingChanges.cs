using System.Collections.Immutable;
using Ambient.Controller.Sources;

namespace Ambient.Controller.Kubernetes;

/// <summary>
/// What changed since the source published last, told by reference. What came and went meanwhile is nothing. Guarded by the source's
/// lock, which whoever calls holds.
/// </summary>
internal sealed class PendingChanges
{
    private readonly HashSet<SourceObject> _added = new(ReferenceEqualityComparer.Instance);
    private readonly HashSet<SourceObject> _removed = new(ReferenceEqualityComparer.Instance);

    internal bool IsEmpty => _added.Count == 0 && _removed.Count == 0;

    /// <param name="before">Null if there was none.</param>
    /// <param name="after">Null if there is none.</param>
    internal void NoteLocked(SourceObject? before, SourceObject? after)
    {
        if (ReferenceEquals(before, after))
            return;
        if (before is not null && !_added.Remove(before))
            _removed.Add(before);
        if (after is not null && !_removed.Remove(after))
            _added.Add(after);
    }

    /// <summary>Hands over all of it.</summary>
    internal (ImmutableArray<SourceObject> Added, ImmutableArray<SourceObject> Removed) TakeLocked()
    {
        ImmutableArray<SourceObject> added = [.. _added], removed = [.. _removed];
        _added.Clear();
        _removed.Clear();
        // The first list of a large cluster is not to be kept room for ever after.
        _added.TrimExcess();
        _removed.TrimExcess();
        return (added, removed);
    }
}
