namespace Ambient.Controller.Enrolment;

/// <summary>
/// A ledger's records by pod UID, and what of them is new: what is to be announced to the nodes, and whether there is something to write
/// down for the next process. Owned by the ledger's owner.
/// </summary>
internal sealed class PodRecords<T>
    where T : IAnnounced<T>
{
    private readonly Dictionary<string, T> _pods = [];
    private readonly HashSet<string> _changed = [];
    private readonly HashSet<string> _timed = [];
    private readonly HashSet<string> _untold = [];
    private bool _isDirty;

    internal IReadOnlyDictionary<string, T> Pods => _pods;

    /// <summary>Those with a deadline: few of many, so that looking after them does not cost what all would.</summary>
    internal IEnumerable<KeyValuePair<string, T>> Timed => _timed.Select(uid => KeyValuePair.Create(uid, _pods[uid]));

    /// <summary>The first deadline; null if there is none.</summary>
    internal DateTimeOffset? NextDeadline => _timed.Min(uid => _pods[uid].Deadline);

    /// <summary>Whether something is to be announced that <see cref="TakeChanged"/> has not given out yet.</summary>
    internal bool HasChanges => _changed.Count > 0;

    /// <summary>Keeps a record that is neither announced nor written down because of this.</summary>
    internal void Keep(string uid, T pod)
    {
        _pods[uid] = pod;
        Note(_timed, uid, pod.Deadline is not null);
        Note(_untold, uid, pod.AnnouncedIn == 0);
    }

    /// <summary>Keeps a record that is to be written down.</summary>
    internal void Write(string uid, T pod)
    {
        Keep(uid, pod);
        _isDirty = true;
    }

    /// <summary>Forgets a pod, which is to be announced and written down.</summary>
    internal void Remove(string uid)
    {
        _pods.Remove(uid);
        _timed.Remove(uid);
        _untold.Remove(uid);
        _changed.Add(uid);
        _isDirty = true;
    }

    /// <summary>Something that nodes are told of a pod has changed.</summary>
    internal void MarkChanged(string uid) => _changed.Add(uid);

    /// <summary>The UIDs of what is to be announced since the last call.</summary>
    internal IReadOnlyCollection<string> TakeChanged()
    {
        string[] changed = [.. _changed];
        _changed.Clear();
        return changed;
    }

    /// <summary>Whether there is something to write down since the last call.</summary>
    internal bool TakeDirty()
    {
        var was = _isDirty;
        _isDirty = false;
        return was;
    }

    /// <summary>All records as they are now have been told with this version of the view.</summary>
    internal void MarkAnnounced(ulong version)
    {
        foreach (var uid in _untold)
            _pods[uid] = _pods[uid].ToldWith(version);
        _untold.Clear();
    }

    private static void Note(HashSet<string> set, string uid, bool isIn)
    {
        if (isIn)
            set.Add(uid);
        else
            set.Remove(uid);
    }
}
