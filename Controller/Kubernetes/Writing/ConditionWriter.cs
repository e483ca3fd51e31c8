using System.Collections.Immutable;
using System.Net;
using System.Text.Json.Nodes;
using Ambient.Controller.Kubernetes.Access;
using Ambient.Controller.Model;
using Ambient.Controller.Sources;

namespace Ambient.Controller.Kubernetes.Writing;

/// <summary>
/// Writes into the status of AccessPolicies and MeshConfigs whether they are in force. Nothing is written that is there already, and
/// where another manager holds our condition it is left to them until the object changes.
/// </summary>
internal sealed class ConditionWriter(ApiWriter writer, TimeProvider time, ILogger logger)
{
    // So that many do not hold up what is written after them.
    private const int MostInARound = 200;

    private readonly Lock _lock = new();
    private readonly Dictionary<(string Kind, string Namespace, string Name), SourceObject> _objects = [];
    private readonly Dictionary<(string Kind, string Namespace, string Name), Condition> _wanted = [];
    private readonly HashSet<(string Kind, string Namespace, string Name)> _due = [];
    private readonly Rests<(string Kind, string Namespace, string Name)> _rests = new(Rests.First, time);
    private ImmutableDictionary<(string Kind, string Namespace, string Name), ObjectVerdict> _verdicts = ImmutableDictionary<(string Kind, string Namespace, string Name), ObjectVerdict>.Empty;

    /// <summary>Takes what the source published. For the source's thread.</summary>
    /// <param name="verdicts">What the model made of it; null for what it made before.</param>
    internal void Take(SourceChange change, ImmutableDictionary<(string Kind, string Namespace, string Name), ObjectVerdict>? verdicts)
    {
        lock (_lock)
        {
            _verdicts = verdicts ?? _verdicts;
            foreach (var gone in change.Removed.Where(IsOurs))
                _objects.Remove(gone.Identity);
            foreach (var come in change.Added.Where(IsOurs))
            {
                _objects[come.Identity] = come;
                _due.Add(come.Identity);
            }
            WantLocked(change.Faults);
        }
    }

    /// <summary>Takes what the source cannot read, before it has published anything.</summary>
    internal void Take(ImmutableArray<SourceFault> faults)
    {
        lock (_lock)
            WantLocked(faults);
    }

    /// <summary>A new term: what another replica wrote is not known.</summary>
    internal void BeginTerm()
    {
        lock (_lock)
            _due.UnionWith(_wanted.Keys);
    }

    /// <summary>Writes what is due, as much as a round allows. One that is refused keeps no other from it.</summary>
    /// <exception cref="HttpRequestException">The server is away; what was not written stays due. So for the others of <see cref="ApiConnection.SendAsync"/>.</exception>
    internal async Task WriteAsync(CancellationToken cancellation)
    {
        var refusals = 0;
        foreach (var identity in TakeRound())
        {
            Condition? wanted;
            lock (_lock)
            {
                wanted = _wanted.GetValueOrDefault(identity);
                // Before it is written: who changes it meanwhile makes it due again.
                _due.Remove(identity);
            }
            if (wanted is null)
                continue;
            var name = $"{identity.Kind} {identity.Namespace}/{identity.Name}";
            try
            {
                await WriteAsync(identity, wanted, cancellation);
                _rests.Remove(identity);
            }
            catch (ApiRefusal e) when (e.Status is HttpStatusCode.Conflict or HttpStatusCode.NotFound)
            {
                if (e.Status == HttpStatusCode.Conflict)
                    logger.StatusHeldByAnother(name, e.Message);
            }
            catch (ApiRefusal e) when (e.IsOfOneObject && refusals < Rests.MostRefusals)
            {
                refusals++;
                Put(identity);
                if (_rests.Add(identity))
                    logger.WriteRefused(name, e.Message);
            }
            catch
            {
                Put(identity);
                throw;
            }
        }
    }

    private List<(string Kind, string Namespace, string Name)> TakeRound()
    {
        lock (_lock)
            return [.. _due.Where(identity => !_rests.Has(identity)).Take(MostInARound)];
    }

    private void Put((string, string, string) identity)
    {
        lock (_lock)
            _due.Add(identity);
    }

    private static bool IsOurs(SourceObject item) => item is AccessPolicyObject or MeshConfigObject;

    private void WantLocked(ImmutableArray<SourceFault> faults)
    {
        var settings = _objects.Values.OfType<MeshConfigObject>().Order(SourceOrder.Instance).Cast<MeshConfigObject>().FirstOrDefault();
        var broken = faults.Where(fault => fault.Identity is { Kind: "AccessPolicy" or "MeshConfig" })
            .ToDictionary(fault => fault.Identity!.Value);
        foreach (var identity in _wanted.Keys.Where(known => !_objects.ContainsKey(known) && !broken.ContainsKey(known)).ToList())
        {
            _wanted.Remove(identity);
            _rests.Remove(identity);
        }
        foreach (var item in _objects.Values)
            Want(item.Identity, Condition.Of(item, settings, broken.GetValueOrDefault(item.Identity), _verdicts.GetValueOrDefault(item.Identity)));
        foreach (var (identity, fault) in broken.Where(pair => !_objects.ContainsKey(pair.Key)))
            Want(identity, Condition.OfUnread(fault, count: settings is null || string.CompareOrdinal(identity.Name, settings.Name) < 0));
    }

    private void Want((string, string, string) identity, Condition condition)
    {
        if (_wanted.GetValueOrDefault(identity) == condition)
            return;
        _wanted[identity] = condition;
        _due.Add(identity);
    }

    private async Task WriteAsync((string Kind, string Namespace, string Name) identity, Condition wanted, CancellationToken cancellation)
    {
        var kind = KindCatalog.Installable.Single(k => k.Group == "ambient.mesh" && k.Kind == identity.Kind);
        var path = kind.PathOf(kind.Versions[0], identity.Namespace, identity.Name);
        var now = await writer.GetAsync(path, cancellation);
        var generation = now.Map("metadata")?.Number("generation") ?? 0;
        var there = now.Map("status")?.Maps("conditions").FirstOrDefault(c => c.Text("type") == Condition.Type);
        var status = wanted.IsTrue ? "True" : "False";
        if (there is not null && there.Text("status") == status && there.Text("reason") == wanted.Reason && there.Text("message") == wanted.Message
            && there.Number("observedGeneration") == generation)
            return;
        // The time of the last transition is that of the status alone.
        var since = there is not null && there.Text("status") == status && there.Text("lastTransitionTime") is { } before
            ? before
            : ApiTime.Seconds(time.GetUtcNow());
        await writer.ApplyAsync($"{path}/status", new JsonObject
        {
            ["apiVersion"] = kind.ApiVersionOf(kind.Versions[0]),
            ["kind"] = kind.Kind,
            ["metadata"] = new JsonObject { ["name"] = identity.Name },
            ["status"] = new JsonObject
            {
                ["conditions"] = new JsonArray(new JsonObject
                {
                    ["type"] = Condition.Type,
                    ["status"] = status,
                    ["reason"] = wanted.Reason,
                    ["message"] = wanted.Message,
                    ["observedGeneration"] = generation,
                    ["lastTransitionTime"] = since,
                }),
            },
        }, cancellation);
    }
}
