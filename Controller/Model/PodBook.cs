using Ambient.Controller.Sources;

namespace Ambient.Controller.Model;

/// <summary>The pods as the model has them, found by UID, name and namespace. Owned by one thread.</summary>
internal sealed class PodBook
{
    private readonly Dictionary<string, PlacedPod> _byUid = [];
    private readonly Dictionary<(string Namespace, string Name), PlacedPod> _byName = [];
    private readonly Dictionary<string, NamespacePods> _byNamespace = [];

    internal PlacedPod? Find(string uid) => _byUid.GetValueOrDefault(uid);

    internal NamespacePods? In(string ns) => _byNamespace.GetValueOrDefault(ns);

    /// <summary>The pod of a name; null if there is none.</summary>
    internal PodObject? Named(string ns, string name) => _byName.GetValueOrDefault((ns, name))?.Pod;

    /// <summary>Replaces what is known of a pod.</summary>
    /// <param name="now">Null if it is gone.</param>
    internal void Set(string uid, PlacedPod? now)
    {
        if (_byUid.Remove(uid, out var before))
        {
            var name = (before.Pod.Namespace, before.Pod.Name);
            // Another one may have come by this name already.
            if (_byName.TryGetValue(name, out var named) && ReferenceEquals(named, before))
                _byName.Remove(name);
            if (now?.Pod.Namespace != before.Pod.Namespace)
            {
                _byNamespace[before.Pod.Namespace].Set(uid, null);
                if (_byNamespace[before.Pod.Namespace].IsEmpty)
                    _byNamespace.Remove(before.Pod.Namespace);
            }
        }
        if (now is null)
            return;
        _byUid.Add(uid, now);
        _byName[(now.Pod.Namespace, now.Pod.Name)] = now;
        if (!_byNamespace.TryGetValue(now.Pod.Namespace, out var pods))
            _byNamespace.Add(now.Pod.Namespace, pods = new NamespacePods());
        pods.Set(uid, now);
    }
}
