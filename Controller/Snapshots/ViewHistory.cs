using System.Security.Cryptography;
using Ambient.Controller.Model;
using Google.Protobuf;

namespace Ambient.Controller.Snapshots;

/// <summary>
/// The view of the mesh that nodes are told, its versions, and which keys changed with each. It holds each resource once however many nodes
/// there are, and of its past only the names of what changed. A change is encoded once for all nodes that have the same version and scope.
/// Any thread may call it.
/// </summary>
/// <param name="key">Of fingerprints; the same for all controllers of a mesh. One of its own if it is null.</param>
/// <param name="maxKeys">How many changed keys are remembered before the oldest versions are forgotten.</param>
internal sealed class ViewHistory(FingerprintKey? key = null, int maxKeys = 100_000)
{
    // A node that comes from another controller holds what was so a moment ago, or nothing that this one knows.
    private const int MostStepsBack = 1000;

    private readonly Lock _lock = new();
    private readonly ViewContent _content = new(key ?? FingerprintKey.New());
    private readonly Dictionary<ulong, ViewStep> _steps = [];   // what changed with each version, from _oldest on
    private readonly Dictionary<(ulong From, ViewScope Had, ViewScope Wanted), EncodedDelta?> _encoded = [];
    private readonly Dictionary<ViewScope, ViewFingerprint> _fingerprints = [];                             // of the present version
    private readonly Dictionary<(ViewFingerprint Held, ViewScope Scope), ulong> _recognised = [];
    private int _keysRemembered;
    private ulong _oldest = 1;
    private ulong _version;

    /// <summary>Versions are comparable within one epoch only; each process has its own.</summary>
    internal string Epoch { get; } = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));

    /// <summary>The present version; 0 before the first view.</summary>
    internal ulong Version => Volatile.Read(ref _version);

    internal int Count
    {
        get { lock (_lock) return _content.Count; }
    }

    /// <summary>Publishes a change. What is given as it already was is no change, and no change is no new version.</summary>
    /// <returns>The version that holds all of it.</returns>
    internal ulong Apply(IEnumerable<ToldChange> changes)
    {
        lock (_lock)
        {
            var changed = new List<(ToldKey Key, string Namespace)>();
            var before = new Dictionary<string, ViewFingerprint>();
            foreach (var change in changes)
            {
                before.TryAdd(change.Namespace, _content.FingerprintOf(change.Namespace));
                if (_content.Set(change))
                    changed.Add((change.Key, change.Namespace));
            }
            if (changed.Count == 0 && _version > 0)
                return _version;

            Volatile.Write(ref _version, _version + 1);
            _encoded.Clear();
            _fingerprints.Clear();
            _recognised.Clear();
            _steps.Add(_version, new ViewStep(changed, [.. before.Select(ns => (ns.Key, _content.FingerprintOf(ns.Key) - ns.Value))]));
            _keysRemembered += changed.Count;
            while (_keysRemembered > maxKeys && _steps.Remove(_oldest, out var oldest))
            {
                _keysRemembered -= oldest.Changed.Count;
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

    /// <summary>The version, of those that are remembered, that told in a scope what has a fingerprint: the newest.</summary>
    /// <returns>0 if there is none.</returns>
    internal ulong VersionOf(ViewFingerprint held, ViewScope scope)
    {
        lock (_lock)
        {
            if (_recognised.TryGetValue((held, scope), out var known))
                return known;
            var fingerprint = PresentLocked(scope);
            var version = _version;
            for (var steps = 0; fingerprint != held && version > 0; steps++)
            {
                if (steps == MostStepsBack || !_steps.TryGetValue(version, out var step))
                    version = 0;
                else
                    (fingerprint, version) = (fingerprint - DifferenceOf(step, scope), version - 1);
            }
            return _recognised[(held, scope)] = version;
        }
    }

    /// <summary>All that a node is to be told of, at one moment.</summary>
    internal (ulong Version, ViewFingerprint Fingerprint, List<ToldResource> Resources) Whole(ViewScope scope)
    {
        lock (_lock)
            return (_version, PresentLocked(scope), [.. _content.In(scope.Holds)]);
    }

    /// <summary>How many keys changed since a version; null if that is not known any more.</summary>
    internal int? KeysSince(ulong version)
    {
        lock (_lock)
            return CanBuildUpon(version) ? StepsSince(version).Sum(step => step.Changed.Count) : null;
    }

    internal static ByteString NewNonce() => UnsafeByteOperations.UnsafeWrap(RandomNumberGenerator.GetBytes(16));

    // A step holds what changed with its version: to build upon version v, the step of v + 1 must still be there.
    private bool CanBuildUpon(ulong from) =>
        from > 0 && from <= _version && from + 1 >= _oldest;

    private IEnumerable<ViewStep> StepsSince(ulong version)
    {
        for (var step = version + 1; step <= _version; step++)
            yield return _steps[step];
    }

    private ViewFingerprint PresentLocked(ViewScope scope)
    {
        if (!_fingerprints.TryGetValue(scope, out var known))
            _fingerprints.Add(scope, known = _content.FingerprintOf(scope));
        return known;
    }

    private ViewFingerprint AtLocked(ulong version, ViewScope scope) =>
        StepsSince(version).Aggregate(PresentLocked(scope), (fingerprint, step) => fingerprint - DifferenceOf(step, scope));

    private static ViewFingerprint DifferenceOf(ViewStep step, ViewScope scope) =>
        step.Differences.Where(ns => scope.Holds(ns.Namespace)).Aggregate(ViewFingerprint.Empty, (sum, ns) => sum + ns.Difference);

    private EncodedDelta? EncodeChange(ulong from, ViewScope had, ViewScope wanted)
    {
        var upserts = new Dictionary<ToldKey, ToldResource>();
        var removals = new HashSet<ToldKey>();
        foreach (var (key, ns) in StepsSince(from).SelectMany(step => step.Changed))
        {
            if (wanted.Holds(ns) && _content.Find(ns, key) is { } resource)
                upserts[key] = resource;
            else if (had.Holds(ns))
                removals.Add(key);
        }
        if (!ReferenceEquals(had, wanted))
        {
            foreach (var resource in _content.In(ns => wanted.Holds(ns) && !had.Holds(ns)))
                upserts[resource.Key] = resource;
            removals.UnionWith(_content.In(ns => had.Holds(ns) && !wanted.Holds(ns)).Select(resource => resource.Key));
        }
        // A key may be gone from one namespace and be told in another.
        removals.ExceptWith(upserts.Keys);
        return DeltaEncoder.Change(new DeltaHead(_version, NewNonce(), PresentLocked(wanted), AtLocked(from, had)), [.. upserts.Values], [.. removals.Select(key => key.ToString())]);
    }
}
