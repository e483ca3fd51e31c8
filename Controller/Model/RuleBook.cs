using System.Collections.Immutable;
using Ambient.Controller.Sources;
using Ambient.Controller.Sources.Policies;
using Ambient.Protocol.Mesh.V1;

namespace Ambient.Controller.Model;

/// <summary>
/// The access policies and the settings of the whole mesh: what is there, what it says, and how each object was judged. Made anew whole
/// when one of them changes, which is seldom. Owned by the thread of its <see cref="ModelBuilder"/>.
/// </summary>
/// <param name="defaultTrustDomain">Used where no MeshConfig names one.</param>
/// <param name="warnings">Told what is wrong with them.</param>
internal sealed class RuleBook(string defaultTrustDomain, WarningBook warnings)
{
    private readonly HashSet<AccessPolicyObject> _policies = new(ReferenceEqualityComparer.Instance);
    private readonly HashSet<MeshConfigObject> _configs = new(ReferenceEqualityComparer.Instance);
    private ImmutableArray<string> _unknownKinds = [];
    private bool _arePoliciesDirty;
    private bool _areSettingsDirty;
    private MeshSettings? _settings;

    /// <summary>The policies as of the last <see cref="Apply"/>.</summary>
    internal AccessPolicyBuilder Access { get; private set; } = new([], _ => true);

    /// <summary>How objects were judged that are not plainly accepted.</summary>
    internal ImmutableDictionary<(string Kind, string Namespace, string Name), ObjectVerdict> Verdicts { get; private set; } =
        ImmutableDictionary<(string Kind, string Namespace, string Name), ObjectVerdict>.Empty;

    internal void Add(AccessPolicyObject policy) => _arePoliciesDirty |= _policies.Add(policy);

    internal void Remove(AccessPolicyObject policy) => _arePoliciesDirty |= _policies.Remove(policy);

    internal void Add(MeshConfigObject config) => _areSettingsDirty |= _configs.Add(config);

    internal void Remove(MeshConfigObject config) => _areSettingsDirty |= _configs.Remove(config);

    /// <summary>Tells the draft what is another, and gives the settings that hold now.</summary>
    /// <param name="unknownKinds">Kinds that the source does not read, which are a warning.</param>
    internal MeshSettings Apply(ImmutableArray<string> unknownKinds, ModelDraft draft)
    {
        var settings = SettingsFor(unknownKinds, draft);
        TakePolicies(draft);
        return settings;
    }

    private MeshSettings SettingsFor(ImmutableArray<string> unknownKinds, ModelDraft draft)
    {
        if (_settings is not null && !_areSettingsDirty && unknownKinds.SequenceEqual(_unknownKinds))
            return _settings;
        (_areSettingsDirty, _unknownKinds) = (false, unknownKinds);
        var said = new SortedSet<string>(StringComparer.Ordinal);
        MeshConfigObject[] configs = [.. _configs.Order(SourceOrder.Instance).Cast<MeshConfigObject>()];
        var fresh = SettingsBuilder.Build(configs, _unknownKinds, defaultTrustDomain, said, out var notes);
        warnings.Set("settings", said);
        Judge("MeshConfig", configs.Length > 0 && notes.Length > 0 ? [(configs[0].Identity, new ObjectVerdict(true, string.Join("; ", notes)))] : []);
        if (fresh == _settings)
            return _settings;
        draft.SetSettings(ToldResource.Of(fresh.ToResource(), ""));
        return _settings = fresh;
    }

    private void TakePolicies(ModelDraft draft)
    {
        if (!_arePoliciesDirty)
            return;
        _arePoliciesDirty = false;
        var said = new SortedSet<string>(StringComparer.Ordinal);
        Access = new AccessPolicyBuilder(_policies.Order(SourceOrder.Instance).Cast<AccessPolicyObject>(), said.Add);
        var verdicts = new List<((string, string, string), ObjectVerdict)>();
        draft.SetPolicies([.. Access.Resources.Where(IsSendable).Select(r => ToldResource.Of(r, NamespaceOf(r.Policy.Namespace)))]);
        warnings.Set("policies", said);
        Judge("AccessPolicy", verdicts);

        bool IsSendable(Resource resource)
        {
            var faults = new List<string>();
            if (Sendable.Check(resource, faults))
                return true;
            said.UnionWith(faults);
            verdicts.Add((("AccessPolicy", resource.Policy.Namespace, resource.Policy.Name), new ObjectVerdict(false, faults[0])));
            return false;
        }

        // Those for the whole mesh may select pods everywhere.
        static string NamespaceOf(string ns) => ns == AccessPolicyBuilder.MeshNamespace ? "" : ns;
    }

    private void Judge(string kind, IEnumerable<((string Kind, string Namespace, string Name) Identity, ObjectVerdict Verdict)> verdicts) =>
        Verdicts = Verdicts.RemoveRange(Verdicts.Keys.Where(key => key.Kind == kind)).SetItems(verdicts.Select(v => KeyValuePair.Create(v.Identity, v.Verdict)));
}
