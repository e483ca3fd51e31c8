using System.Globalization;
using System.Text.Json.Nodes;
using Keyed = System.Collections.Immutable.ImmutableSortedDictionary<(string Namespace, string Name), Ambient.Tests.Kubernetes.Cluster.Fake.StoredObject>;

namespace Ambient.Tests.Kubernetes.Cluster.Fake;

/// <summary>What etcd is to the real server: objects by key, one revision that counts every change, and the changes since the last compaction.</summary>
internal sealed class Storage
{
    // Ordinal, as etcd sorts: the order of pages.
    private static readonly IComparer<(string Namespace, string Name)> ByKey = Comparer<(string Namespace, string Name)>.Create((a, b) =>
        string.CompareOrdinal(a.Namespace, b.Namespace) is not 0 and var order ? order : string.CompareOrdinal(a.Name, b.Name));

    private static readonly Keyed None = Keyed.Empty.WithComparers(ByKey);
    private readonly Lock _lock = new();
    private readonly Dictionary<(string Group, string Plural), Keyed> _objects = [];
    private readonly List<Change> _changes = [];
    private readonly Dictionary<(long Revision, (string, string) Type), Keyed> _pages = [];
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _revision = 1;
    private long _compacted;

    internal long Revision
    {
        get
        {
            lock (_lock)
                return _revision;
        }
    }

    /// <summary>All of a kind, at one revision.</summary>
    internal (Keyed All, long Revision) List(ResourceType type)
    {
        lock (_lock)
            return (_objects.GetValueOrDefault(type.Key, None), _revision);
    }

    /// <summary>Keeps a list for its later pages, until a compaction.</summary>
    internal void KeepForPages(ResourceType type, long revision, Keyed objects)
    {
        lock (_lock)
            _pages.TryAdd((revision, type.Key), objects);
    }

    /// <exception cref="ApiFailure">410: it was compacted.</exception>
    internal Keyed PageOf(ResourceType type, long revision)
    {
        lock (_lock)
        {
            return _pages.TryGetValue((revision, type.Key), out var objects)
                ? objects
                : throw ApiFailure.Expired("The provided continue parameter is too old to display a consistent list result.");
        }
    }

    internal StoredObject? Find(ResourceType type, string ns, string name)
    {
        lock (_lock)
            return _objects.GetValueOrDefault(type.Key, None).GetValueOrDefault((ns, name));
    }

    /// <summary>Makes, changes or removes one object.</summary>
    /// <param name="change">Given what there is, or null; returns what shall be, or null for nothing. What equals what there is changes nothing.</param>
    /// <param name="isDryRun">Decides everything and keeps nothing.</param>
    /// <returns>What there is now; where it is gone, what it was at the end.</returns>
    internal StoredObject? Update(ResourceType type, string ns, string name, Func<StoredObject?, JsonObject?> change, bool isDryRun)
    {
        lock (_lock)
        {
            var all = _objects.GetValueOrDefault(type.Key, None);
            var before = all.GetValueOrDefault((ns, name));
            var wanted = change(before);
            if (wanted is null && before is null)
                return null;
            if (wanted is not null && before is not null && JsonNode.DeepEquals(wanted, before.Copy()))
                return before;

            var revision = _revision + 1;
            var content = wanted ?? before!.Copy();
            content["metadata"]!["resourceVersion"] = revision.ToString(CultureInfo.InvariantCulture);
            var after = new StoredObject(content, revision);
            if (isDryRun)
                return after;
            _revision = revision;
            _objects[type.Key] = wanted is null ? all.Remove((ns, name)) : all.SetItem((ns, name), after);
            var kind = wanted is null ? ChangeKind.Deleted : before is null ? ChangeKind.Added : ChangeKind.Modified;
            _changes.Add(new Change(revision, type.Key, ns, kind, after, before));
            _changed.TrySetResult();
            _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return after;
        }
    }

    /// <summary>What happened to a kind after a revision, what the world's revision is, and what completes when more happens.</summary>
    /// <exception cref="ApiFailure">410: it was compacted.</exception>
    internal (List<Change> Changes, long Revision, Task More) ChangesAfter(long revision, ResourceType type)
    {
        lock (_lock)
        {
            if (revision < _compacted)
                throw ApiFailure.Expired($"too old resource version: {revision} ({_compacted})");
            var (low, high) = (0, _changes.Count);
            while (low < high)
            {
                var middle = (low + high) / 2;
                (low, high) = _changes[middle].Revision > revision ? (low, middle) : (middle + 1, high);
            }
            return ([.. _changes.Skip(low).Where(change => change.Type == type.Key)], _revision, _changed.Task);
        }
    }

    /// <summary>Forgets what happened so far, and the lists that pages are still to be read of.</summary>
    internal void Compact()
    {
        lock (_lock)
        {
            _compacted = _revision;
            _changes.Clear();
            _pages.Clear();
        }
    }
}
