using System.Diagnostics.CodeAnalysis;
using Ambient.Controller.Kubernetes.Decoding;
using Ambient.Controller.Kubernetes.Following;
using Ambient.Controller.Sources;
using Ambient.Controller.Sources.Yaml;

namespace Ambient.Controller.Kubernetes;

/// <summary>
/// The objects of one kind as they are known. An object whose kept fields did not change stays the very object that it was; one that
/// cannot be read leaves in force what it was before, and is a fault. A policy that cannot be read is one that forbids what it could forbid.
/// </summary>
/// <param name="read">Makes an object of what was kept; null for one that is not told to the mesh.</param>
/// <param name="changed">Told of every change, in the lock.</param>
/// <param name="gate">Of all tables of a source: what they say together is read in it.</param>
internal sealed class ObjectTable(FollowedKind kind, Func<DecodedObject, SourceObject?> read, Action<SourceObject?, SourceObject?> changed, FollowTally tally, Lock gate)
    : IFollowing
{
    private readonly Dictionary<string, SourceFault> _faults = [];
    private Dictionary<(string Namespace, string Name), Entry> _objects = [];
    private Dictionary<(string Namespace, string Name), Entry>? _listed;

    /// <summary>All of it was known once, or it was said that we may not know it, or nothing waits for it.</summary>
    internal bool IsSettledLocked => (HasListed || kind.IsRoute || (kind.IsNetworkPolicy && ForbiddenReason is not null)) && !IsBlockedLocked;

    /// <summary>Settings that cannot be read and never could. Of several the first by name count, so that others are in nobody's way.</summary>
    internal bool IsBlockedLocked => kind.IsSettings && _objects.Count > 0 && _objects.MinBy(o => o.Key.Name, StringComparer.Ordinal).Value.Object is null;

    /// <summary>All of it was known once.</summary>
    internal bool HasListed { get; private set; }

    /// <summary>Why we may not read it; null if we may.</summary>
    internal string? ForbiddenReason { get; private set; }

    internal FollowedKind Kind => kind;

    internal FollowTally Tally => tally;

    /// <summary>All that there are, those that are not told to the mesh too.</summary>
    internal int CountLocked => _objects.Count;

    internal IEnumerable<SourceFault> FaultsLocked => _faults.Values;

    internal IEnumerable<SourceObject> ObjectsLocked => _objects.Values.Select(entry => entry.Object).OfType<SourceObject>();

    public void Listed(DecodedObject item)
    {
        lock (gate)
        {
            var entry = EntryOf(item);
            (_listed ??= [])[(item.Namespace, item.Name)] = entry;
        }
    }

    public void EndList()
    {
        lock (gate)
        {
            var now = _listed ?? [];
            foreach (var (key, entry) in _objects)
            {
                if (!now.ContainsKey(key))
                {
                    changed(entry.Object, null);
                    _faults.Remove(OriginOf(key));
                }
            }
            foreach (var (key, entry) in now)
                changed(_objects.GetValueOrDefault(key).Object, entry.Object);
            _objects = now;
            _listed = null;
            HasListed = true;
            changed(null, null);
        }
    }

    public void DropList()
    {
        lock (gate)
            _listed = null;
    }

    public void Changed(DecodedObject item)
    {
        lock (gate)
        {
            var key = (item.Namespace, item.Name);
            var entry = EntryOf(item);
            var before = _objects.GetValueOrDefault(key).Object;
            _objects[key] = entry;
            changed(before, entry.Object);
        }
    }

    public void Gone(string ns, string name)
    {
        lock (gate)
        {
            if (_objects.Remove((ns, name), out var entry))
                changed(entry.Object, null);
            _faults.Remove(OriginOf((ns, name)));
        }
    }

    public void Forbidden(string? reason)
    {
        lock (gate)
        {
            var was = ForbiddenReason;
            ForbiddenReason = reason;
            if (was is null != reason is null)
                changed(null, null);
        }
    }

    /// <summary>The kind itself is gone, and all its objects with it.</summary>
    internal void Clear()
    {
        lock (gate)
        {
            foreach (var entry in _objects.Values)
                changed(entry.Object, null);
            (_objects, _listed) = ([], null);
            _faults.Clear();
            changed(null, null);
        }
    }

    private Entry EntryOf(DecodedObject item)
    {
        var key = (item.Namespace, item.Name);
        var known = _objects.GetValueOrDefault(key);
        if (_objects.ContainsKey(key) && known.Digest == item.Digest)
            return known;
        if (TryRead(item, out var made, out var fault))
        {
            if (_faults.Count > 0)
                _faults.Remove(OriginOf(key));
            return new Entry(item.Digest, made);
        }
        tally.CountDecodeFault();
        var told = _faults[OriginOf(key)] = new SourceFault(new SourcePlace(OriginOf(key), 0), fault) { Identity = kind.IdentityOf(key.Namespace, key.Name) };
        return new Entry(item.Digest, ObjectReading.OfUnreadable(kind, item, told) ?? known.Object);
    }

    private bool TryRead(DecodedObject item, out SourceObject? made, [NotNullWhen(false)] out string? fault)
    {
        made = null;
        fault = item.Fault;
        if (fault is not null)
            return false;
        try
        {
            made = read(item);
            return true;
        }
        catch (YamlFaultException e)
        {
            fault = e.Message;
            return false;
        }
        catch (Exception bug) when (bug is not OutOfMemoryException)
        {
            // One odd object must not keep the others from being followed.
            fault = $"expected something else, and cannot say what, which is a bug: {bug.GetType().Name}: {bug.Message}";
            return false;
        }
    }

    private string OriginOf((string Namespace, string Name) key) =>
        key.Namespace.Length > 0 ? $"{kind.Kind} {key.Namespace}/{key.Name}" : $"{kind.Kind} {key.Name}";

    private readonly record struct Entry(UInt128 Digest, SourceObject? Object);
}
