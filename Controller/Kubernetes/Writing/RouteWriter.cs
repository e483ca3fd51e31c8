using System.Collections.Immutable;
using System.Net;
using System.Text.Json.Nodes;
using Ambient.Controller.Kubernetes.Access;
using Ambient.Controller.Replicas;
using Ambient.Controller.Sources;
using Ambient.Controller.Sources.Yaml;

namespace Ambient.Controller.Kubernetes.Writing;

/// <summary>
/// Writes into the status of routes that are attached to a Service of an enrolled namespace that they are not in force, and why. Entries of
/// other controllers stay as they are; ours goes when the route or its namespace is no longer the mesh's.
/// </summary>
/// <remarks>
/// Not by server-side apply, unlike all other status: <c>status.parents</c> is an atomic list (Gateway API, RouteStatus), so that whoever
/// applies it owns all of it. It is changed by a patch that counts for the very version of the route that was looked at.
/// </remarks>
internal sealed class RouteWriter(ApiWriter writer, TimeProvider time, ILogger logger)
{
    /// <summary>A node's word that something rewrites connect(), so that no route could be in force there.</summary>
    internal const string ServiceAddressHidden = "ServiceAddressHidden";

    // RouteStatus.Parents: at most so many, of all controllers.
    private const int MaxParents = 32;

    // So that thousands do not hold up what is written after them.
    private const int MostInARound = 50;

    private readonly Lock _lock = new();
    private readonly Dictionary<(string Kind, string Namespace, string Name), RouteObject> _routes = [];
    private readonly HashSet<(string Kind, string Namespace, string Name)> _due = [];
    private ImmutableHashSet<string> _enrolled = [];
    private readonly Dictionary<(string Kind, string Namespace, string Name), MendingPace> _paces = [];
    private readonly Rests<(string Kind, string Namespace, string Name)> _rests = new(Rests.First, time);
    private bool _isHidden;

    /// <summary>Takes what the source published. For the source's thread.</summary>
    /// <param name="enrolled">Namespaces that are labelled so; null for those of before.</param>
    internal void Take(SourceChange change, IReadOnlyCollection<string>? enrolled)
    {
        lock (_lock)
        {
            foreach (var gone in change.Removed.OfType<RouteObject>())
            {
                _routes.Remove(gone.Identity);
                _due.Remove(gone.Identity);
            }
            foreach (var come in change.Added.OfType<RouteObject>())
            {
                _routes[come.Identity] = come;
                _due.Add(come.Identity);
            }
            foreach (var gone in change.Removed.OfType<RouteObject>().Where(gone => !_routes.ContainsKey(gone.Identity)))
            {
                _paces.Remove(gone.Identity);
                _rests.Remove(gone.Identity);
            }
            if (enrolled is null || _enrolled.SetEquals(enrolled))
                return;
            _enrolled = [.. enrolled];
            _due.UnionWith(_routes.Keys);
        }
    }

    /// <summary>A new term: what another replica wrote is not known.</summary>
    internal void BeginTerm()
    {
        lock (_lock)
            _due.UnionWith(_routes.Keys);
    }

    /// <summary>Writes what is due, as much as a round allows. One that is refused keeps no other from it.</summary>
    /// <param name="isHidden">There is a node that does not see service addresses.</param>
    /// <inheritdoc cref="ConditionWriter.WriteAsync(CancellationToken)"/>
    internal async Task WriteAsync(bool isHidden, CancellationToken cancellation)
    {
        var refusals = 0;
        foreach (var identity in TakeRound(isHidden))
        {
            if (Take(identity) is not var (route, parents, pace))
                continue;
            try
            {
                await WriteAsync(route, parents, isHidden, pace, cancellation);
            }
            catch (ApiRefusal e) when (e.Status == HttpStatusCode.NotFound)
            {
                // There is no such route any more.
            }
            catch (ApiRefusal e) when (e.Status is HttpStatusCode.Conflict or HttpStatusCode.UnprocessableEntity)
            {
                // Somebody else wrote it meanwhile, and it is looked at again with the next round; or the server will never take it.
                Put(route);
                if (_rests.Set(identity, pace.Wait))
                    logger.WriteRefused(NameOf(route), e.Message);
            }
            catch (ApiRefusal e) when (e.IsOfOneObject && refusals < Rests.MostRefusals)
            {
                refusals++;
                Put(route);
                if (_rests.Add(identity))
                    logger.WriteRefused(NameOf(route), e.Message);
            }
            catch
            {
                Put(route);
                throw;
            }
        }
    }

    private List<(string Kind, string Namespace, string Name)> TakeRound(bool isHidden)
    {
        lock (_lock)
        {
            if (isHidden != _isHidden)
                _due.UnionWith(_routes.Keys);
            _isHidden = isHidden;
            _due.RemoveWhere(identity => !_routes[identity].HasOurStatus && ParentsOf(_routes[identity]).Count == 0);
            return [.. _due.Where(identity => !_rests.Has(identity)).Take(MostInARound)];
        }
    }

    private (RouteObject Route, List<RouteParent> Parents, MendingPace Pace)? Take((string Kind, string Namespace, string Name) identity)
    {
        lock (_lock)
        {
            // Before it is written: what changes meanwhile is due again.
            if (!_due.Remove(identity) || !_routes.TryGetValue(identity, out var route))
                return null;
            if (!_paces.TryGetValue(identity, out var pace))
                _paces[identity] = pace = new MendingPace(time);
            return (route, ParentsOf(route), pace);
        }
    }

    private List<RouteParent> ParentsOf(RouteObject route) => [.. route.Services.Where(parent => _enrolled.Contains(NamespaceOf(route, parent)))];

    private void Put(RouteObject route)
    {
        lock (_lock)
        {
            if (_routes.ContainsKey(route.Identity))
                _due.Add(route.Identity);
        }
    }

    private async Task WriteAsync(RouteObject route, List<RouteParent> parents, bool isHidden, MendingPace pace, CancellationToken cancellation)
    {
        var kind = KindCatalog.Installable.Single(k => k.Group == KindCatalog.RoutesGroup && k.Kind == route.Kind);
        // Any version that is served will do: the status is the same in all.
        var path = kind.PathOf(route.Version, route.Namespace, route.Name);
        var now = await writer.GetAsync(path, cancellation);
        var status = now.Map("status");
        var there = (status?.Maps("parents") ?? []).ToList();
        var others = there.Where(entry => entry.Text("controllerName") != RouteReader.ControllerName).ToList();
        var before = there.Except(others).ToList();
        var generation = now.Map("metadata")?.Number("generation") ?? 0;
        var ours = parents.Take(Math.Max(0, MaxParents - others.Count)).Select(parent => EntryOf(route, parent, before, isHidden, generation)).ToList();
        if (before.Count == ours.Count && before.Zip(ours).All(pair => JsonNode.DeepEquals(pair.First, pair.Second)))
        {
            _rests.Remove(route.Identity);
            return;
        }
        // What is said, but for when: who takes our entry away is not news.
        if (!pace.MayWrite($"{generation} {isHidden} {string.Join(' ', ours.Select(entry => entry["parentRef"]!.ToJsonString()))}"))
        {
            Put(route);
            if (_rests.Set(route.Identity, pace.Wait))
                logger.StatusTakenAway(NameOf(route), pace.Wait.TotalSeconds);
            return;
        }
        JsonNode list = new JsonArray([.. others.Concat(ours).Select(entry => entry.DeepClone())]);
        await writer.PatchAsync($"{path}/status",
        [
            new JsonObject { ["op"] = "test", ["path"] = "/metadata/resourceVersion", ["value"] = now.Map("metadata")?.Text("resourceVersion") },
            status is null
                ? new JsonObject { ["op"] = "add", ["path"] = "/status", ["value"] = new JsonObject { ["parents"] = list } }
                : new JsonObject { ["op"] = "add", ["path"] = "/status/parents", ["value"] = list },
        ], cancellation);
        _rests.Remove(route.Identity);
    }

    private JsonObject EntryOf(RouteObject route, RouteParent parent, List<JsonObject> before, bool isHidden, long generation)
    {
        var reference = ReferenceTo(parent);
        var was = before.FirstOrDefault(entry => JsonNode.DeepEquals(entry["parentRef"], reference))?.Maps("conditions").FirstOrDefault();
        return new JsonObject
        {
            ["parentRef"] = reference,
            ["controllerName"] = RouteReader.ControllerName,
            ["conditions"] = new JsonArray(new JsonObject
            {
                ["type"] = Condition.Type,
                ["status"] = "False",
                ["reason"] = isHidden ? ServiceAddressHidden : "UnsupportedValue",
                // Without the node's name, which is in its MeshNode: nodes that come and go in turn would have all routes written again.
                ["message"] = isHidden
                    ? $"on a node something rewrites connect(), so that the mesh does not see calls of Services (its MeshNode is Degraded); and this version routes no {route.Kind}"
                    : $"this version of the mesh routes no {route.Kind}: the Service is called as if the route were not there",
                ["observedGeneration"] = generation,
                // Of the status alone, which is the same as long as there is an entry.
                ["lastTransitionTime"] = was?.Text("lastTransitionTime") ?? ApiTime.Seconds(time.GetUtcNow()),
            }),
        };
    }

    // As the route gives it: that is how entry and reference are matched.
    private static JsonObject ReferenceTo(RouteParent parent)
    {
        var reference = new JsonObject { ["group"] = "", ["kind"] = "Service", ["name"] = parent.Name };
        if (parent.NamespaceGiven.Length > 0)
            reference["namespace"] = parent.NamespaceGiven;
        if (parent.SectionName.Length > 0)
            reference["sectionName"] = parent.SectionName;
        if (parent.Port is { } port)
            reference["port"] = port;
        return reference;
    }

    private static string NameOf(RouteObject route) => $"{route.Kind} {route.Namespace}/{route.Name}";

    private static string NamespaceOf(RouteObject route, RouteParent parent) => parent.NamespaceGiven.Length > 0 ? parent.NamespaceGiven : route.Namespace;
}
