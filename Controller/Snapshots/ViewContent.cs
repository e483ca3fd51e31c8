using Ambient.Controller.Model;

namespace Ambient.Controller.Snapshots;

/// <summary>All that nodes are told at present, by namespace, one encoded copy of each resource; and the fingerprint of each namespace. Owned by whoever holds its lock.</summary>
internal sealed class ViewContent(FingerprintKey key)
{
    private readonly Dictionary<string, Part> _parts = [];

    internal int Count { get; private set; }

    /// <summary>Makes a change.</summary>
    /// <returns>False if it is so already.</returns>
    internal bool Set(ToldChange change)
    {
        var part = _parts.GetValueOrDefault(change.Namespace);
        var known = part?.Resources.GetValueOrDefault(change.Key);
        if (change.Now is null ? known is null : known?.SaysWhat(change.Now) == true)
            return false;
        if (part is null)
            _parts.Add(change.Namespace, part = new Part());
        if (known is not null)
        {
            part.Fingerprint -= key.Of(known.Bytes);
            Count--;
        }
        if (change.Now is { } now)
        {
            part.Resources[change.Key] = now;
            part.Fingerprint += key.Of(now.Bytes);
            Count++;
        }
        else if (part.Resources.Remove(change.Key) && part.Resources.Count == 0)
        {
            _parts.Remove(change.Namespace);
        }
        return true;
    }

    internal ToldResource? Find(string ns, string resource) => _parts.GetValueOrDefault(ns)?.Resources.GetValueOrDefault(resource);

    /// <summary>What there is in namespaces that some scope holds.</summary>
    internal IEnumerable<ToldResource> In(Func<string, bool> holds) => _parts.Where(part => holds(part.Key)).SelectMany(part => part.Value.Resources.Values);

    internal ViewFingerprint FingerprintOf(string ns) => _parts.GetValueOrDefault(ns)?.Fingerprint ?? ViewFingerprint.Empty;

    internal ViewFingerprint FingerprintOf(ViewScope scope) =>
        _parts.Where(part => scope.Holds(part.Key)).Aggregate(ViewFingerprint.Empty, (sum, part) => sum + part.Value.Fingerprint);

    private sealed class Part
    {
        internal Dictionary<string, ToldResource> Resources { get; } = new(StringComparer.Ordinal);

        internal ViewFingerprint Fingerprint { get; set; }
    }
}
