using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Threading.Channels;
using Ambient.Controller.Kubernetes.Access;
using k8s;
using k8s.Models;

namespace Ambient.Controller.Replicas;

/// <summary>
/// Publishes what others check the mesh by: ConfigMap <c>ambient-trust</c> with the roots and the key of orders in the mesh's own namespace,
/// and with the roots alone in every namespace that asks for it by a label. The Lease's holder keeps them as they have to be: makes them,
/// mends what somebody changed, and removes them where the label went. One that a user made under that name is left as it is.
/// </summary>
/// <remarks>
/// It compares on every change of its own and every few seconds otherwise. Somebody who changes a ConfigMap again and again is answered
/// ever more rarely: two controllers that fight over an object cost everybody's API server.
/// </remarks>
/// <param name="rootsPem">The roots that are trusted now.</param>
internal sealed class TrustPublisher(Func<IKubernetes> client, string @namespace, Func<string> rootsPem, string orderKeyPem, ILeadership leadership,
    TimeProvider time, ILogger logger)
{
    internal const string ConfigMapName = "ambient-trust", RootsEntry = "roots.pem", OrderKeyEntry = "order-key.pem";

    /// <summary>The label by which a namespace asks for the roots, with value <c>true</c>.</summary>
    internal const string Label = "ambient.mesh/trust-bundle";

    /// <summary>Time between two looks without a change of ours.</summary>
    internal static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    // Which mesh wrote it, by its namespace: one that runs beside ours is not to be fought with.
    private const string MeshLabel = "ambient.mesh/trust-of";

    // Looking takes at most a twentieth of the time, however many namespaces there are.
    private const int RestPerLook = 20;

    private readonly Channel<bool> _nudges = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly Dictionary<string, MendingPace> _paces = [];
    private ImmutableDictionary<string, ForeignTrustMap> _foreign = ImmutableDictionary<string, ForeignTrustMap>.Empty;
    private FrozenSet<string>? _asking;
    private string _lastFault = "";

    /// <summary>What stands where a namespace asks for the roots, and is not ours to write. As of the last look.</summary>
    internal IEnumerable<ForeignTrustMap> Foreign => Volatile.Read(ref _foreign).Values;

    /// <summary>The namespaces that carry the label now. Nothing is removed before they are known.</summary>
    internal void AskedBy(IEnumerable<string> namespaces)
    {
        var asking = namespaces.ToFrozenSet();
        if (Volatile.Read(ref _asking) is { } before && before.SetEquals(asking))
            return;
        Volatile.Write(ref _asking, asking);
        Nudge();
    }

    /// <summary>The roots have changed.</summary>
    internal void Nudge() => _nudges.Writer.TryWrite(true);

    /// <summary>Publishes while this replica is the leader, until it is cancelled; ends without an exception then.</summary>
    internal async Task RunAsync(CancellationToken cancellation)
    {
        try
        {
            while (true)
            {
                await leadership.WhenLeaderAsync(cancellation);
                var started = time.GetTimestamp();
                await TryPublishAsync(cancellation);
                var rest = time.GetElapsedTime(started) * RestPerLook;
                await WaitAsync(rest > Interval ? rest : Interval, cancellation);
            }
        }
        catch (OperationCanceledException)
        {
            // Told to end.
        }
    }

    private async Task TryPublishAsync(CancellationToken cancellation)
    {
        try
        {
            using var term = CancellationTokenSource.CreateLinkedTokenSource(cancellation, leadership.Term);
            await PublishAsync(term.Token);
            _lastFault = "";
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // The term is over: another one goes on.
        }
        catch (ClusterException e)
        {
            Note(e);
        }
    }

    /// <summary>Compares once, and writes what differs.</summary>
    internal async Task PublishAsync(CancellationToken cancellation)
    {
        var (roots, asking) = (rootsPem(), Volatile.Read(ref _asking));
        // A field selector for the name, so that the right to see this one name in all namespaces is enough.
        var list = await ClusterCall.Async("list ConfigMaps ambient-trust", token =>
            client().CoreV1.ListConfigMapForAllNamespacesAsync(fieldSelector: $"metadata.name={ConfigMapName}", cancellationToken: token), cancellation);
        var found = list.Items.Where(m => m.Metadata.Name == ConfigMapName).ToDictionary(m => m.Metadata.NamespaceProperty);
        Volatile.Write(ref _foreign, _foreign.RemoveRange(_foreign.Keys.Where(place => asking?.Contains(place) != true && place != @namespace)));
        foreach (var place in (asking ?? []).Append(@namespace).Distinct().Order(StringComparer.Ordinal))
        {
            var wanted = new Dictionary<string, string> { [RootsEntry] = roots };
            if (place == @namespace)
                wanted[OrderKeyEntry] = orderKeyPem;
            await EachAsync(() => KeepAsync(place, found.GetValueOrDefault(place), wanted, cancellation));
        }
        if (asking is null)
            return;
        foreach (var (place, map) in found.Where(m => m.Key != @namespace && !asking.Contains(m.Key) && IsOurs(m.Value)))
        {
            await EachAsync(async () =>
            {
                await ClusterCall.OrNullAsync($"remove ConfigMap {place}/{ConfigMapName}", token => client().CoreV1.DeleteNamespacedConfigMapAsync(ConfigMapName, place,
                    new V1DeleteOptions { Preconditions = new V1Preconditions { Uid = map.Metadata.Uid } }, cancellationToken: token), cancellation);
                _paces.Remove(place);
                logger.TrustWritten(place, ConfigMapName, "removed, since the namespace no longer asks for it");
            });
        }
    }

    private async Task KeepAsync(string place, V1ConfigMap? found, Dictionary<string, string> wanted, CancellationToken cancellation)
    {
        if (found is not null && IsForeign(place, found))
        {
            var foreign = new ForeignTrustMap(place, found.Metadata.Uid, MeshOf(found));
            if (_foreign.GetValueOrDefault(place) != foreign)
                logger.TrustOfOthers(place, ConfigMapName, foreign.Mesh is null ? "was not made by the mesh" : "is of another mesh");
            Volatile.Write(ref _foreign, _foreign.SetItem(place, foreign));
            return;
        }
        Volatile.Write(ref _foreign, _foreign.Remove(place));
        if (found is not null && IsOurs(found) && found.BinaryData is not { Count: > 0 } && HasOnly(found.Data, wanted))
            return;
        var pace = _paces.TryGetValue(place, out var known) ? known : _paces[place] = new MendingPace(time);
        if (!pace.MayWrite(wanted[RootsEntry]))
            return;
        var map = found ?? new V1ConfigMap { Metadata = new V1ObjectMeta { Name = ConfigMapName, NamespaceProperty = place } };
        (map.Metadata.Labels ??= new Dictionary<string, string>())[MeshLabel] = @namespace;
        map.Data = wanted;
        map.BinaryData = null;
        await ClusterCall.Async($"write ConfigMap {place}/{ConfigMapName}", token => found is null
            ? client().CoreV1.CreateNamespacedConfigMapAsync(map, place, fieldManager: ApiConnection.FieldManager, cancellationToken: token)
            : client().CoreV1.ReplaceNamespacedConfigMapAsync(map, ConfigMapName, place, fieldManager: ApiConnection.FieldManager, cancellationToken: token), cancellation);
        logger.TrustWritten(place, ConfigMapName, found is null ? "made" : pace.IsMending ? "mended, since somebody changed it" : "brought up to date");
    }

    // One namespace that is about to end, or was written by somebody else a moment ago, must not keep the others from theirs.
    private async Task EachAsync(Func<Task> write)
    {
        try
        {
            await write();
        }
        catch (ClusterException e) when (!e.IsPassing)
        {
            Note(e);
        }
    }

    private void Note(ClusterException e)
    {
        if (_lastFault != e.Message)
            logger.TrustNotWritten(e.Message);
        _lastFault = e.Message;
    }

    private async Task WaitAsync(TimeSpan wait, CancellationToken cancellation)
    {
        using var timer = new CancellationTokenSource(wait, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancellation);
        try
        {
            await _nudges.Reader.ReadAsync(either.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // The time is over.
        }
    }

    private bool IsOurs(V1ConfigMap map) => MeshOf(map) == @namespace;

    // Ours without its label is one that somebody took the label from, by what the API server keeps of who wrote it. In the mesh's own
    // namespace that name is the mesh's.
    private bool IsForeign(string place, V1ConfigMap map) => MeshOf(map) is { } mesh
        ? mesh != @namespace
        : place != @namespace && map.Metadata.ManagedFields?.Any(entry => entry.Manager == ApiConnection.FieldManager) != true;

    private static string? MeshOf(V1ConfigMap map) => map.Metadata.Labels?.TryGetValue(MeshLabel, out var mesh) == true ? mesh : null;

    private static bool HasOnly(IDictionary<string, string>? data, Dictionary<string, string> wanted) =>
        data?.Count == wanted.Count && wanted.All(w => data.TryGetValue(w.Key, out var text) && text == w.Value);
}
