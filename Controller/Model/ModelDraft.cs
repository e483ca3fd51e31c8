using System.Collections.Immutable;

namespace Ambient.Controller.Model;

/// <summary>A model that is being made of its predecessor, and what makes it another. Used once.</summary>
/// <param name="before">Null for the first.</param>
internal sealed class ModelDraft(MeshModel? before)
{
    private readonly ImmutableDictionary<string, MeshPod>.Builder _pods = (before?.Pods ?? ImmutableDictionary<string, MeshPod>.Empty).ToBuilder();
    private readonly ImmutableDictionary<(string Namespace, string Name), PlacedService>.Builder _services =
        (before?.Services ?? ImmutableDictionary<(string Namespace, string Name), PlacedService>.Empty).ToBuilder();
    private readonly ImmutableDictionary<string, ToldResource>.Builder _nodes = (before?.Nodes ?? ImmutableDictionary<string, ToldResource>.Empty).ToBuilder();
    private readonly ImmutableArray<string>.Builder _changedPods = ImmutableArray.CreateBuilder<string>();
    private readonly Dictionary<ToldKey, ToldChange> _changed = [];
    private ToldResource? _settings = before?.ToldSettings;
    private ImmutableArray<ToldResource> _policies = before?.Policies ?? [];

    internal void SetSettings(ToldResource told)
    {
        if (_settings?.SaysWhat(told) == true)
            return;
        _settings = told;
        _changed[told.Key] = ToldChange.To(told);
    }

    internal void SetPolicies(ImmutableArray<ToldResource> told)
    {
        // They are made anew all together; what says what it said is the object that it was.
        var known = _policies.ToDictionary(policy => policy.Key);
        told = [.. told.Select(policy => known.TryGetValue(policy.Key, out var before) && before.SaysWhat(policy) ? before : policy)];
        Note(_policies, told);
        _policies = told;
    }

    internal void SetPod(string uid, MeshPod? was, MeshPod? now)
    {
        if (ReferenceEquals(was, now))
            return;
        if (now is null)
            _pods.Remove(uid);
        else
            _pods[uid] = now;
        _changedPods.Add(uid);
    }

    internal void SetNode(string name, ToldResource? told)
    {
        var was = _nodes.GetValueOrDefault(name);
        if (told is not null && was?.SaysWhat(told) == true)
            return;
        if (told is null)
            _nodes.Remove(name);
        else
            _nodes[name] = told;
        Note(was is null ? [] : [was], told is null ? [] : [told]);
    }

    internal void SetService((string Namespace, string Name) name, PlacedService? was, PlacedService? now)
    {
        if (now is null)
            _services.Remove(name);
        else
            _services[name] = now;
        Note(was is null ? [] : was.Told is null ? was.Endpoints : was.Endpoints.Add(was.Told), now is null ? [] : now.Told is null ? now.Endpoints : now.Endpoints.Add(now.Told));
    }

    internal MeshModel Finish(MeshSettings settings, ImmutableArray<string> enrolledNamespaces, ImmutableArray<string> warnings) =>
        new(settings, _settings!, _pods.ToImmutable(), _services.ToImmutable(), _nodes.ToImmutable(), _policies, enrolledNamespaces, warnings,
            new ModelChange(_changedPods.DrainToImmutable(), [.. _changed.Values]));

    // An address may go from one key to another, so that a key is gone in one place and told in another: what is told counts.
    private void Note(ImmutableArray<ToldResource> was, ImmutableArray<ToldResource> now)
    {
        var left = new HashSet<ToldResource>(was, ReferenceEqualityComparer.Instance);
        foreach (var told in now)
        {
            if (!left.Remove(told))
                _changed[told.Key] = ToldChange.To(told);
        }
        foreach (var gone in left)
            _changed.TryAdd(gone.Key, ToldChange.Gone(gone));
    }
}
