using System.Collections.Immutable;
using Ambient.Controller.Sources;
using Ambient.Controller.Sources.Policies;

namespace Ambient.Controller.Model;

/// <summary>
/// What, besides itself, decides how a namespace's pods are told of. The same object for a namespace as long as nothing of it changed.
/// Owned by one thread.
/// </summary>
internal sealed class SurroundingsBook
{
    private readonly Dictionary<string, NamespaceObject> _namespaces = [];
    private readonly Dictionary<string, List<PodPolicyObject>> _policies = [];   // by namespace; those of the cluster under none
    private readonly Dictionary<string, PodSurroundings> _known = [];
    private readonly HashSet<string> _dirty = [];
    private MeshSettings? _settings;
    private AccessPolicyBuilder _access = new([], _ => true);
    private bool _isStandalone;

    internal IReadOnlyDictionary<string, NamespaceObject> Namespaces => _namespaces;

    internal void Set(NamespaceObject ns)
    {
        _namespaces[ns.Name] = ns;
        _dirty.Add(ns.Name);
    }

    internal void Remove(NamespaceObject ns)
    {
        _namespaces.Remove(ns.Name);
        _dirty.Add(ns.Name);
    }

    internal void Add(PodPolicyObject policy)
    {
        if (!_policies.TryGetValue(policy.Namespace, out var policies))
            _policies.Add(policy.Namespace, policies = []);
        policies.Add(policy);
        policies.Sort((a, b) => string.CompareOrdinal(a.Name, b.Name) is not 0 and var order ? order : SourceOrder.Instance.Compare(a, b));
        MarkDirty(policy.Namespace);
    }

    internal void Remove(PodPolicyObject policy)
    {
        if (_policies.TryGetValue(policy.Namespace, out var policies) && policies.RemoveAll(other => ReferenceEquals(other, policy)) > 0 && policies.Count == 0)
            _policies.Remove(policy.Namespace);
        MarkDirty(policy.Namespace);
    }

    /// <summary>Takes over what holds for all namespaces.</summary>
    internal void Set(MeshSettings settings, AccessPolicyBuilder access, bool isStandalone)
    {
        if (ReferenceEquals(settings, _settings) && ReferenceEquals(access, _access) && isStandalone == _isStandalone)
            return;
        (_settings, _access, _isStandalone) = (settings, access, isStandalone);
        _dirty.UnionWith(_known.Keys);
    }

    /// <summary>Namespaces whose pods may be told differently than when this was asked last.</summary>
    internal IReadOnlyCollection<string> TakeChanged()
    {
        var changed = new List<string>();
        foreach (var ns in _dirty)
        {
            if (!_known.TryGetValue(ns, out var before))
                continue;
            // What is gone is forgotten; where pods are left, they are looked at again by that, and ask for it again.
            if (!_namespaces.ContainsKey(ns) && !_policies.ContainsKey(ns))
            {
                _known.Remove(ns);
                changed.Add(ns);
                continue;
            }
            var fresh = Make(ns);
            if (before.AreThoseOf(fresh))
                continue;
            _known[ns] = fresh;
            changed.Add(ns);
        }
        _dirty.Clear();
        return changed;
    }

    internal PodSurroundings Of(string ns)
    {
        if (!_known.TryGetValue(ns, out var around))
            _known.Add(ns, around = Make(ns));
        return around;
    }

    private void MarkDirty(string ns)
    {
        if (ns.Length == 0)
            _dirty.UnionWith(_known.Keys);
        else
            _dirty.Add(ns);
    }

    private PodSurroundings Make(string ns) => new(_settings!, _namespaces.GetValueOrDefault(ns), [.. _policies.GetValueOrDefault(ns) ?? [], .. _policies.GetValueOrDefault("") ?? []], _access.SelectionIn(ns), _isStandalone);
}
