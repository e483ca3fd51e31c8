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
    private bool _isDirty;

    internal IReadOnlyDictionary<string, T> Pods => _pods;

    /// <summary>Whether something is to be announced that <see cref="TakeChanged"/> has not given out yet.</summary>
    internal bool HasChanges => _changed.Count > 0;

    /// <summary>Keeps a record that is neither announced nor written down because of this.</summary>
    internal void Keep(string uid, T pod) => _pods[uid] = pod;

    /// <summary>Keeps a record that is to be written down.</summary>
    internal void Write(string uid, T pod)
    {
        _pods[uid] = pod;
        _isDirty = true;
    }

    /// <summary>Forgets a pod, which is to be announced and written down.</summary>
    internal void Remove(string uid)
    {
        _pods.Remove(uid);
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
        foreach (var (uid, pod) in _pods.Where(p => p.Value.AnnouncedIn == 0).ToList())
            _pods[uid] = pod.ToldWith(version);
    }
}
