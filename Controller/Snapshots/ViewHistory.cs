using System.Security.Cryptography;
using Ambient.Controller.Model;
using Google.Protobuf;

namespace Ambient.Controller.Snapshots;

/// <summary>
/// The view of the mesh that nodes are told, its versions, and which keys changed with each. It holds one encoded copy of
/// each resource however many nodes there are, and of its past only the names of what changed. A change is encoded once for all nodes
/// that have the same version and scope. Any thread may call it.
/// </summary>
/// <param name="maxKeys">How many changed keys are remembered before the oldest versions are forgotten.</param>
internal sealed class ViewHistory(int maxKeys = 100_000)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Dictionary<string, ToldResource>> _byNamespace = [];
    private readonly Dictionary<ulong, List<(string Key, string Namespace)>> _steps = [];   // what changed with each version, from _oldest on
    private readonly Dictionary<(ulong From, ViewScope Had, ViewScope Wanted), EncodedDelta?> _encoded = [];
    private int _keysRemembered;
    private ulong _oldest = 1;
    private ulong _version;

    /// <summary>Versions are comparable within one epoch only; each process has its own.</summary>
    internal string Epoch { get; } = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));

    /// <summary>The present version; 0 before the first view.</summary>
    internal ulong Version => Volatile.Read(ref _version);

    internal int Count { get; private set; }

    /// <summary>Publishes a change. What is given as it already was is no change, and no change is no new version.</summary>
    /// <returns>The version that holds all of it.</returns>
    internal ulong Apply(IEnumerable<ToldChange> changes)
    {
        lock (_lock)
        {
            var changed = new List<(string Key, string Namespace)>();
            foreach (var change in changes)
            {
                if (Set(change))
                    changed.Add((change.Key, change.Namespace));
            }
            if (changed.Count == 0 && _version > 0)
                return _version;

            Volatile.Write(ref _version, _version + 1);
            _encoded.Clear();
            _steps.Add(_version, changed);
            _keysRemembered += changed.Count;
            while (_keysRemembered > maxKeys && _steps.Remove(_oldest, out var oldest))
            {
                _keysRemembered -= oldest.Count;
                _oldest++;
            }
            return _version;
        }
    }

    /// <summary>What brings a node to the present version.</summary>
    /// <param name="from">The version that the node has; 0 for none, or for one that it does not want to build upon.</param>
    /// <param name="had">What it was told of until then.</param>
    /// <param name="wanted">What it is to be told of.</param>
    /// <returns>Null if the history does not reach back to <paramref name="from"/>, or one message cannot hold it: a full view has to do.</returns>
    internal EncodedDelta? ChangeFrom(ulong from, ViewScope had, ViewScope wanted)
    {
        lock (_lock)
        {
            if (!CanBuildUpon(from))
                return null;
            var key = (from, had, wanted);
            if (!_encoded.TryGetValue(key, out var delta))
                _encoded.Add(key, delta = EncodeChange(from, had, wanted));
            return delta;
        }
    }

    /// <summary>All that a node is to be told of, at one moment.</summary>
    internal (ulong Version, List<ToldResource> Resources) Whole(ViewScope scope)
    {
        lock (_lock)
            return (_version, [.. _byNamespace.Where(ns => scope.Holds(ns.Key)).SelectMany(ns => ns.Value.Values)]);
    }

    /// <summary>How many keys changed since a version; null if that is not known any more.</summary>
    internal int? KeysSince(ulong version)
    {
        lock (_lock)
            return CanBuildUpon(version) ? StepsSince(version).Sum(step => step.Count) : null;
    }

    internal static ByteString NewNonce() => UnsafeByteOperations.UnsafeWrap(RandomNumberGenerator.GetBytes(16));

    private bool Set(ToldChange change)
    {
        var own = _byNamespace.GetValueOrDefault(change.Namespace);
        if (change.Now is null)
        {
            if (own?.Remove(change.Key) != true)
                return false;
            Count--;
            if (own.Count == 0)
                _byNamespace.Remove(change.Namespace);
            return true;
        }
        if (own is null)
            _byNamespace.Add(change.Namespace, own = new Dictionary<string, ToldResource>(StringComparer.Ordinal));
        if (own.TryGetValue(change.Key, out var known))
        {
            if (known.SaysWhat(change.Now))
                return false;
            Count--;
        }
        own[change.Key] = change.Now;
        Count++;
        return true;
    }

    // A step holds what changed with its version: to build upon version v, the step of v + 1 must still be there.
    private bool CanBuildUpon(ulong from) =>
        from > 0 && from <= _version && from + 1 >= _oldest;

    private IEnumerable<List<(string Key, string Namespace)>> StepsSince(ulong version)
    {
        for (var step = version + 1; step <= _version; step++)
            yield return _steps[step];
    }

    private EncodedDelta? EncodeChange(ulong from, ViewScope had, ViewScope wanted)
    {
        var upserts = new Dictionary<string, ToldResource>(StringComparer.Ordinal);
        var removals = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (key, ns) in StepsSince(from).SelectMany(step => step))
        {
            if (wanted.Holds(ns) && _byNamespace.GetValueOrDefault(ns)?.GetValueOrDefault(key) is { } resource)
                upserts[key] = resource;
            else if (had.Holds(ns))
                removals.Add(key);
        }
        if (!ReferenceEquals(had, wanted))
        {
            foreach (var (ns, resources) in _byNamespace)
            {
                if (wanted.Holds(ns) && !had.Holds(ns))
                {
                    foreach (var resource in resources.Values)
                        upserts[resource.Key] = resource;
                }
                else if (had.Holds(ns) && !wanted.Holds(ns))
                {
                    removals.UnionWith(resources.Keys);
                }
            }
        }
        // A key may be gone from one namespace and be told in another.
        removals.ExceptWith(upserts.Keys);
        return DeltaEncoder.Change(_version, NewNonce(), [.. upserts.Values], removals);
    }
}
