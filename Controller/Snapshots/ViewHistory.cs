using System.Security.Cryptography;
using Google.Protobuf;

namespace Ambient.Controller.Snapshots;

/// <summary>
/// The view of the mesh that nodes are told, its versions, and which keys changed with each. It holds one encoded copy of
/// each resource however many nodes there are, and of its past only the names of what changed. Any thread may call it.
/// </summary>
/// <param name="maxKeys">How many changed keys are remembered before the oldest versions are forgotten.</param>
internal sealed class ViewHistory(int maxKeys = 100_000)
{
    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, ByteString> _resources = new(StringComparer.Ordinal);
    private readonly Queue<Step> _steps = new();
    private readonly Dictionary<ulong, EncodedDelta> _encoded = [];
    private int _keysRemembered;
    private ulong _version;

    /// <summary>Versions are comparable within one epoch only; each process has its own.</summary>
    internal string Epoch { get; } = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));

    /// <summary>The present version; 0 before the first view.</summary>
    internal ulong Version
    {
        get { lock (_lock) return _version; }
    }

    internal int Count
    {
        get { lock (_lock) return _resources.Count; }
    }

    /// <summary>Publishes a change. What is given as it already was is no change, and no change is no new version.</summary>
    /// <param name="updates">Keys with what they now are; null for what is gone.</param>
    /// <returns>The version that holds all of it.</returns>
    internal ulong Apply(IEnumerable<KeyValuePair<string, ByteString?>> updates)
    {
        lock (_lock)
        {
            var changed = new List<string>();
            foreach (var (key, resource) in updates)
            {
                if (resource is null ? _resources.Remove(key) : !_resources.TryGetValue(key, out var known) || !known.Equals(resource))
                {
                    if (resource is not null)
                        _resources[key] = resource;
                    changed.Add(key);
                }
            }
            if (changed.Count == 0 && _version > 0)
                return _version;

            _version++;
            _encoded.Clear();
            _steps.Enqueue(new Step(_version, changed));
            _keysRemembered += changed.Count;
            while (_keysRemembered > maxKeys && _steps.TryDequeue(out var oldest))
                _keysRemembered -= oldest.Keys.Count;
            return _version;
        }
    }

    /// <summary>What brings a node to the present version.</summary>
    /// <param name="from">The version that the node has; 0 for none, or for one that it does not want to build upon.</param>
    /// <returns>A change if the history reaches back to <paramref name="from"/> and one message holds it; else a full view.</returns>
    internal EncodedDelta DeltaFrom(ulong from)
    {
        lock (_lock)
        {
            if (!CanBuildUpon(from))
                from = 0;
            if (!_encoded.TryGetValue(from, out var delta))
                _encoded.Add(from, delta = from == 0 ? EncodeFull() : EncodeChange(from) ?? DeltaFrom(0));
            return delta;
        }
    }

    // A step holds what changed with its version: to build upon version v, the step of v + 1 must still be there.
    private bool CanBuildUpon(ulong from) =>
        from > 0 && from <= _version && (from == _version || (_steps.TryPeek(out var oldest) && oldest.Version <= from + 1));

    private EncodedDelta EncodeFull() => DeltaEncoder.Full(_version, NewNonce(), _resources.Values);

    private EncodedDelta? EncodeChange(ulong from)
    {
        var upserts = new List<ByteString>();
        var removals = new List<string>();
        foreach (var key in _steps.Where(s => s.Version > from).SelectMany(s => s.Keys).Distinct())
        {
            if (_resources.TryGetValue(key, out var resource))
                upserts.Add(resource);
            else
                removals.Add(key);
        }
        return DeltaEncoder.Change(_version, NewNonce(), upserts, removals);
    }

    private static ByteString NewNonce() => UnsafeByteOperations.UnsafeWrap(RandomNumberGenerator.GetBytes(16));

    private sealed record Step(ulong Version, List<string> Keys);
}
