using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using Ambient.Controller.Kubernetes.Access;
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
internal sealed class RouteWriter(ApiWriter writer, TimeProvider time)
{
    /// <summary>A node's word that something rewrites connect(), so that no route could be in force there.</summary>
    internal const string ServiceAddressHidden = "ServiceAddressHidden";

    // RouteStatus.Parents: at most so many, of all controllers.
    private const int MaxParents = 32;

    private readonly Lock _lock = new();
    private readonly Dictionary<(string Kind, string Namespace, string Name), RouteObject> _routes = [];
    private readonly HashSet<(string Kind, string Namespace, string Name)> _due = [];
    private ImmutableHashSet<string> _enrolled = [];
    private string? _hidden;

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

    /// <param name="hidden">A node that does not see service addresses; null if all do.</param>
    /// <inheritdoc cref="ConditionWriter.WriteAsync(CancellationToken)"/>
    internal async Task WriteAsync(string? hidden, CancellationToken cancellation)
    {
        foreach (var (route, parents) in TakeDue(hidden))
        {
            try
            {
                await WriteAsync(route, parents, hidden, cancellation);
            }
            catch (ApiRefusal e) when (e.Status == HttpStatusCode.NotFound)
            {
                // There is no such route any more.
            }
            catch (ApiRefusal e) when (e.Status is HttpStatusCode.Conflict or HttpStatusCode.UnprocessableEntity)
            {
                // Somebody else wrote it meanwhile: it is looked at again with the next round.
                Put(route);
            }
            catch
            {
                Put(route);
                throw;
            }
        }
    }

    private List<(RouteObject Route, List<RouteParent> Parents)> TakeDue(string? hidden)
    {
        lock (_lock)
        {
            if (hidden != _hidden)
                _due.UnionWith(_routes.Keys);
            _hidden = hidden;
            var due = _due.Select(identity => _routes[identity])
                .Select(route => (Route: route, Parents: route.Services.Where(parent => _enrolled.Contains(NamespaceOf(route, parent))).ToList()))
                .Where(pair => pair.Parents.Count > 0 || pair.Route.HasOurStatus).ToList();
            _due.Clear();
            // Taken before they are written: what changes meanwhile is due again.
            return due;
        }
    }

    private void Put(RouteObject route)
    {
        lock (_lock)
        {
            if (_routes.ContainsKey(route.Identity))
                _due.Add(route.Identity);
        }
    }

    private async Task WriteAsync(RouteObject route, List<RouteParent> parents, string? hidden, CancellationToken cancellation)
    {
        var kind = KindCatalog.Installable.Single(k => k.Group == KindCatalog.RoutesGroup && k.Kind == route.Kind);
        // Any version that is served will do: the status is the same in all.
        var path = $"/apis/{kind.Group}/{route.Version}/namespaces/{route.Namespace}/{kind.Plural}/{route.Name}";
        var now = await writer.GetAsync(path, cancellation);
        var status = now["status"] as JsonObject;
        var there = (status?["parents"] as JsonArray ?? []).OfType<JsonObject>().ToList();
        var others = there.Where(entry => (string?)entry["controllerName"] != RouteReader.ControllerName).ToList();
        var before = there.Except(others).ToList();
        var generation = (long?)now["metadata"]?["generation"] ?? 0;
        var ours = parents.Take(Math.Max(0, MaxParents - others.Count)).Select(parent => EntryOf(route, parent, before, hidden, generation)).ToList();
        if (before.Count == ours.Count && before.Zip(ours).All(pair => JsonNode.DeepEquals(pair.First, pair.Second)))
            return;
        JsonNode list = new JsonArray([.. others.Concat(ours).Select(entry => entry.DeepClone())]);
        await writer.PatchAsync($"{path}/status",
        [
            new JsonObject { ["op"] = "test", ["path"] = "/metadata/resourceVersion", ["value"] = (string)now["metadata"]!["resourceVersion"]! },
            status is null
                ? new JsonObject { ["op"] = "add", ["path"] = "/status", ["value"] = new JsonObject { ["parents"] = list } }
                : new JsonObject { ["op"] = "add", ["path"] = "/status/parents", ["value"] = list },
        ], cancellation);
    }

    private JsonObject EntryOf(RouteObject route, RouteParent parent, List<JsonObject> before, string? hidden, long generation)
    {
        var reference = ReferenceTo(parent);
        var was = before.FirstOrDefault(entry => JsonNode.DeepEquals(entry["parentRef"], reference))?["conditions"]?[0];
        return new JsonObject
        {
            ["parentRef"] = reference,
            ["controllerName"] = RouteReader.ControllerName,
            ["conditions"] = new JsonArray(new JsonObject
            {
                ["type"] = Condition.Type,
                ["status"] = "False",
                ["reason"] = hidden is null ? "UnsupportedValue" : ServiceAddressHidden,
                ["message"] = hidden is null
                    ? $"this version of the mesh routes no {route.Kind}: the Service is called as if the route were not there"
                    : $"on node {hidden} something rewrites connect(), so that the mesh does not see calls of Services; and this version routes no {route.Kind}",
                ["observedGeneration"] = generation,
                // Of the status alone, which is the same as long as there is an entry.
                ["lastTransitionTime"] = (string?)was?["lastTransitionTime"] ?? time.GetUtcNow().UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture),
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

    private static string NamespaceOf(RouteObject route, RouteParent parent) => parent.NamespaceGiven.Length > 0 ? parent.NamespaceGiven : route.Namespace;
}
