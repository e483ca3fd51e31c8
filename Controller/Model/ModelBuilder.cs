using System.Collections.Immutable;
using System.Net;
using Ambient.Controller.Sources;
using Ambient.Controller.Sources.Policies;
using Ambient.Protocol.Mesh.V1;

namespace Ambient.Controller.Model;

/// <summary>
/// Makes the model of the mesh out of what a source publishes. The same objects give the same model, however they came; where two
/// objects contradict each other the one that the source names first wins, and a warning names both.
/// </summary>
/// <remarks>
/// A change costs what it concerns. 1. Names, UIDs and addresses are claimed and given back; who won or lost one is looked at again.
/// 2. So are the pods whose namespace, policies or settings are others, 3. the nodes, 4. the services that any of this was about.
/// All else is the very object of the model before. Owned by one thread.
/// </remarks>
internal sealed class ModelBuilder
{
    internal const string EnrolLabel = "ambient.mesh/enroll";
    internal const string NetnsAnnotation = "ambient.mesh/netns";

    private readonly IReadOnlySet<string> _excluded;
    private readonly PodBuilder _podBuilder;
    private readonly Claims<(string Kind, string Namespace, string Name)> _names = new(SourceOrder.Instance);
    private readonly Claims<string> _uids = new(SourceOrder.Instance);
    private readonly AddressBook _addresses = new();
    private readonly RuleBook _rules;
    private readonly SurroundingsBook _surroundings = new();
    private readonly NodeBook _nodes = new();
    private readonly ServiceBook _services = new();
    private readonly PodBook _pods = new();
    private readonly ServicePlacer _servicePlacer;
    private readonly WarningBook _warnings = new();
    private readonly HashSet<string> _dirtyUids = [];
    private MeshModel? _model;

    /// <param name="defaultTrustDomain">Used where no MeshConfig names one.</param>
    /// <param name="excluded">Namespaces that are never enrolled; null: only those that can never be.</param>
    internal ModelBuilder(string defaultTrustDomain, IReadOnlySet<string>? excluded = null)
    {
        _rules = new RuleBook(defaultTrustDomain, _warnings);
        _excluded = excluded ?? Protocol.Model.ExcludedNamespaces.Always;
        _podBuilder = new PodBuilder(_excluded);
        _servicePlacer = new ServicePlacer(_services, _addresses, new EndpointBuilder(_pods, _addresses, _nodes.ZoneOf), _warnings);
    }

    /// <summary>The model after a change of the source.</summary>
    internal MeshModel Apply(SourceChange change)
    {
        var draft = new ModelDraft(_model);
        TakeNames(change);
        TakeUids();
        SettleAddresses();
        var settings = _rules.Apply(change.UnknownKinds, draft);
        _surroundings.Set(settings, _rules.Access, change.IsStandalone);
        foreach (var ns in _surroundings.TakeChanged())
            _dirtyUids.UnionWith(_pods.In(ns)?.Uids ?? []);

        PlacePods(draft);
        PlaceNodes(draft);
        _servicePlacer.Place(draft);
        return _model = draft.Finish(settings, EnrolledNamespaces(), _warnings.All) with { Verdicts = _rules.Verdicts };
    }

    // Two objects of one name are one object told twice: the first counts. Of policies both do, since which is meant is no matter of order.
    private void TakeNames(SourceChange change)
    {
        var before = new Dictionary<(string, string, string), SourceObject?>();
        foreach (var item in change.Removed)
        {
            if (item is AccessPolicyObject policy)
            {
                _rules.Remove(policy);
                continue;
            }
            before.TryAdd(item.Identity, _names.OwnerOf(item.Identity));
            _names.Remove(item.Identity, item);
        }
        foreach (var item in change.Added)
        {
            if (item is AccessPolicyObject policy)
            {
                _rules.Add(policy);
                continue;
            }
            before.TryAdd(item.Identity, _names.OwnerOf(item.Identity));
            _names.Add(item.Identity, item);
        }
        foreach (var (name, was) in before)
        {
            var claims = _names.Of(name);
            _warnings.Set(("name", name), [.. claims.Skip(1).Select(other => $"{other} is ignored: {claims[0]} has the same name")]);
            var now = claims.Count > 0 ? claims[0] : null;
            if (ReferenceEquals(was, now))
                continue;
            if (was is not null)
                Leave(was);
            if (now is not null)
                Enter(now);
        }
    }

    private void Leave(SourceObject was)
    {
        switch (was)
        {
            case PodObject { IsFinished: false } pod:
                _uids.Remove(pod.Uid, pod);
                _dirtyUids.Add(pod.Uid);
                break;
            case ServiceObject service:
                _addresses.Unclaim(service, service.Addresses);
                _services.Remove(service);
                break;
            case EndpointSliceObject slice:
                _services.Remove(slice);
                break;
            case NodeObject node:
                _addresses.Unclaim(node, node.Addresses);
                _nodes.Remove(node);
                break;
            case NamespaceObject ns:
                _surroundings.Remove(ns);
                break;
            case PodPolicyObject policy:
                _surroundings.Remove(policy);
                break;
            case MeshConfigObject config:
                _rules.Remove(config);
                break;
        }
    }

    private void Enter(SourceObject now)
    {
        switch (now)
        {
            case PodObject { IsFinished: false } pod:   // one that has finished has given its address back, and another may have it already
                _uids.Add(pod.Uid, pod);
                _dirtyUids.Add(pod.Uid);
                break;
            case ServiceObject service:
                _addresses.Claim(service, service.Addresses);
                _services.Set(service);
                break;
            case EndpointSliceObject slice:
                _services.Add(slice);
                break;
            case NodeObject node:
                _addresses.Claim(node, node.Addresses);
                _nodes.Set(node);
                break;
            case NamespaceObject ns:
                _surroundings.Set(ns);
                break;
            case PodPolicyObject policy:
                _surroundings.Add(policy);
                break;
            case MeshConfigObject config:
                _rules.Add(config);
                break;
        }
    }

    private void TakeUids()
    {
        foreach (var uid in _dirtyUids)
        {
            var (was, claims) = (_pods.Find(uid)?.Pod, _uids.Of(uid));
            _warnings.Set(("uid", uid), [.. claims.Skip(1).Select(other => $"{other} is ignored: {claims[0]} has the same uid {uid}")]);
            var now = claims.Count > 0 ? (PodObject)claims[0] : null;
            if (ReferenceEquals(was, now))
                continue;
            // A node's own address is that of every pod on its network: nobody has it for itself.
            if (was is { HostNetwork: false })
                _addresses.Unclaim(was, was.Addresses);
            if (now is { HostNetwork: false })
                _addresses.Claim(now, now.Addresses);
            _services.PodChanged(was, now);
        }
    }

    private void SettleAddresses()
    {
        foreach (var (address, was, claimants) in _addresses.TakeTouched())
        {
            var now = claimants.Count > 0 ? claimants[0] : null;
            if (claimants.Count > 1 || !ReferenceEquals(was, now))
            {
                foreach (var claimant in claimants)
                    LookAtAddressesOf(claimant);
            }
            if (!ServiceBook.IsSameBehindAddress(was as PodObject, now as PodObject))
                _services.AddressChanged(address);
        }
    }

    private void LookAtAddressesOf(SourceObject claimant)
    {
        switch (claimant)
        {
            case PodObject pod:
                _dirtyUids.Add(pod.Uid);
                break;
            case ServiceObject service:
                _services.AddressesChanged(service);
                break;
            case NodeObject node:
                _nodes.AddressesChanged(node);
                break;
        }
    }

    private void PlacePods(ModelDraft draft)
    {
        foreach (var uid in _dirtyUids)
        {
            var (before, pod) = (_pods.Find(uid), (PodObject?)_uids.OwnerOf(uid));
            if (pod is null)
            {
                _pods.Set(uid, null);
                _warnings.Set(("pod", uid), []);
                _warnings.Set(("losses", uid), []);
                draft.SetPod(uid, before?.Told, null);
                continue;
            }
            var around = _surroundings.Of(pod.Namespace);
            var addresses = pod.HostNetwork ? pod.Addresses : _addresses.OwnOf(pod, pod.Addresses);
            _warnings.Set(("losses", uid), addresses == pod.Addresses ? [] : [.. _addresses.LossesOf(pod, pod.Addresses)]);
            if (before?.IsMadeOf(pod, addresses, around) == true)
                continue;
            var warnings = new SortedSet<string>(StringComparer.Ordinal);
            var placed = _podBuilder.Place(pod, addresses, around, warnings);
            _warnings.Set(("pod", uid), warnings);
            _pods.Set(uid, placed);
            draft.SetPod(uid, before?.Told, placed.Told);
            if (before is not null && !before.Addresses.AsSpan().SequenceEqual(addresses.AsSpan()))
                _services.PodChanged(null, pod);
        }
        _dirtyUids.Clear();
    }

    private void PlaceNodes(ModelDraft draft)
    {
        foreach (var name in _nodes.Dirty)
        {
            var warnings = new SortedSet<string>(StringComparer.Ordinal);
            ToldResource? told = null;
            if (_nodes.Find(name) is { } node)
            {
                warnings.UnionWith(_addresses.LossesOf(node, node.Addresses));
                warnings.UnionWith(node.NotAddresses.Select(text => $"{node}: expected an IP address, found {Excerpt.Of(text)}: it is passed over"));
                var resource = NodeBook.ToResource(node, _addresses.OwnOf(node, node.Addresses));
                told = Sendable.Check(resource, warnings) ? ToldResource.Of(resource, "") : null;
            }
            _warnings.Set(("node", name), warnings);
            draft.SetNode(name, told);
        }
        if (_nodes.AllMade())
            _services.ZonesChanged();
    }

    private ImmutableArray<string> EnrolledNamespaces()
    {
        var known = _model?.EnrolledNamespaces ?? [];
        ImmutableArray<string> enrolled = [.. _surroundings.Namespaces.Values.Where(n => n.Labels.GetValueOrDefault(EnrolLabel) == "true" && !_excluded.Contains(n.Name)).Select(n => n.Name).Order(StringComparer.Ordinal)];
        return enrolled.AsSpan().SequenceEqual(known.AsSpan()) ? known : enrolled;
    }
}
