using Ambient.Controller.Model;

namespace Ambient.Controller.Snapshots;

/// <summary>All that nodes are told at present, by namespace, each resource once; and the fingerprint of each namespace. Owned by whoever holds its lock.</summary>
internal sealed class ViewContent(FingerprintKey key)
{
    private readonly Dictionary<string, Part> _parts = [];

    internal int Count { get; private set; }

    /// <summary>Makes a change.</summary>
    /// <returns>False if it is so already.</returns>
    internal bool Set(ToldChange change)
    {
        var part = _parts.GetValueOrDefault(change.Namespace);
        var known = part?.Find(change.Key);
        if (change.Now is null ? known is null : known?.SaysWhat(change.Now) == true)
            return false;
        if (part is null)
            _parts.Add(change.Namespace, part = new Part());
        if (known is not null)
        {
            part.Fingerprint -= key.Of(known);
            Count--;
        }
        if (change.Now is { } now)
        {
            part.Set(now);
            part.Fingerprint += key.Of(now);
            Count++;
        }
        else
        {
            part.Remove(change.Key);
            if (part.Resources.Count == 0)
                _parts.Remove(change.Namespace);
        }
        return true;
    }

    internal ToldResource? Find(string ns, ToldKey resource) => _parts.GetValueOrDefault(ns)?.Find(resource);

    /// <summary>What there is in namespaces that some scope holds.</summary>
    internal IEnumerable<ToldResource> In(Func<string, bool> holds) => _parts.Where(part => holds(part.Key)).SelectMany(part => part.Value.Resources);

    internal ViewFingerprint FingerprintOf(string ns) => _parts.GetValueOrDefault(ns)?.Fingerprint ?? ViewFingerprint.Empty;

    internal ViewFingerprint FingerprintOf(ViewScope scope) =>
        _parts.Where(part => scope.Holds(part.Key)).Aggregate(ViewFingerprint.Empty, (sum, part) => sum + part.Value.Fingerprint);

    private sealed class Part
    {
        private readonly HashSet<ToldResource> _resources = new(ByKey.Instance);
        private readonly HashSet<ToldResource>.AlternateLookup<ToldKey> _byKey;

        internal Part() => _byKey = _resources.GetAlternateLookup<ToldKey>();

        internal IReadOnlyCollection<ToldResource> Resources => _resources;

        internal ViewFingerprint Fingerprint { get; set; }

        internal ToldResource? Find(ToldKey key) => _byKey.TryGetValue(key, out var known) ? known : null;

        internal void Remove(ToldKey key) => _byKey.Remove(key);

        internal void Set(ToldResource now)
        {
            _byKey.Remove(now.Key);
            _resources.Add(now);
        }
    }

    // A resource knows its key: a dictionary would hold each once more.
    private sealed class ByKey : IEqualityComparer<ToldResource>, IAlternateEqualityComparer<ToldKey, ToldResource>
    {
        internal static ByKey Instance { get; } = new();

        public bool Equals(ToldResource? one, ToldResource? other) => one?.Key == other?.Key;

        public int GetHashCode(ToldResource resource) => resource.Key.GetHashCode();

        public bool Equals(ToldKey key, ToldResource resource) => key == resource.Key;

        public int GetHashCode(ToldKey key) => key.GetHashCode();

        public ToldResource Create(ToldKey key) => throw new NotSupportedException("a key is no resource");
    }
}
