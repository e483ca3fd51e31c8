using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using Ambient.Controller.Kubernetes.Access;
using Ambient.Controller.Sources;

namespace Ambient.Controller.Kubernetes.Writing;

/// <summary>
/// Writes into the status of AccessPolicies and MeshConfigs whether they are in force. Nothing is written that is there already, and
/// where another manager holds our condition it is left to them until the object changes.
/// </summary>
internal sealed class ConditionWriter(ApiWriter writer, TimeProvider time, ILogger logger)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(string Kind, string Namespace, string Name), SourceObject> _objects = [];
    private readonly Dictionary<(string Kind, string Namespace, string Name), Condition> _wanted = [];
    private readonly HashSet<(string Kind, string Namespace, string Name)> _due = [];

    /// <summary>Takes what the source published. For the source's thread.</summary>
    internal void Take(SourceChange change)
    {
        lock (_lock)
        {
            foreach (var gone in change.Removed.Where(item => Condition.Of(item, null) is not null))
            {
                _objects.Remove(gone.Identity);
                _wanted.Remove(gone.Identity);
            }
            foreach (var come in change.Added.Where(item => Condition.Of(item, null) is not null))
            {
                _objects[come.Identity] = come;
                _due.Add(come.Identity);
            }
            var settings = _objects.Values.OfType<MeshConfigObject>().Order(SourceOrder.Instance).Cast<MeshConfigObject>().FirstOrDefault();
            var faults = change.Faults.DistinctBy(fault => fault.Place.Origin).ToDictionary(fault => fault.Place.Origin);
            foreach (var item in _objects.Values)
            {
                var origin = item.Namespace.Length > 0 ? $"{item.Kind} {item.Namespace}/{item.Name}" : $"{item.Kind} {item.Name}";
                Want(item.Identity, faults.TryGetValue(origin, out var fault) ? Condition.Of(fault) : Condition.Of(item, settings)!);
            }
        }
    }

    /// <summary>A new term: what another replica wrote is not known.</summary>
    internal void BeginTerm()
    {
        lock (_lock)
            _due.UnionWith(_wanted.Keys);
    }

    /// <summary>Writes what is due.</summary>
    /// <exception cref="HttpRequestException">The server is away; what was not written stays due. So for the others of <see cref="ApiConnection.SendAsync"/>.</exception>
    internal async Task WriteAsync(CancellationToken cancellation)
    {
        while (true)
        {
            (string Kind, string Namespace, string Name) identity;
            Condition? wanted;
            lock (_lock)
            {
                if (_due.Count == 0)
                    return;
                identity = _due.First();
                wanted = _wanted.GetValueOrDefault(identity);
                // Before it is written: who changes it meanwhile makes it due again.
                _due.Remove(identity);
            }
            if (wanted is null)
                continue;
            try
            {
                await WriteAsync(identity, wanted, cancellation);
            }
            catch (ApiRefusal e) when (e.Status is HttpStatusCode.Conflict or HttpStatusCode.NotFound)
            {
                if (e.Status == HttpStatusCode.Conflict)
                    logger.StatusHeldByAnother($"{identity.Kind} {identity.Namespace}/{identity.Name}", e.Message);
            }
            catch
            {
                lock (_lock)
                    _due.Add(identity);
                throw;
            }
        }
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
        var path = identity.Namespace.Length > 0
            ? $"/apis/{kind.Group}/{kind.Versions[0]}/namespaces/{identity.Namespace}/{kind.Plural}/{identity.Name}"
            : $"/apis/{kind.Group}/{kind.Versions[0]}/{kind.Plural}/{identity.Name}";
        var now = await writer.GetAsync(path, cancellation);
        var generation = (long?)now["metadata"]?["generation"] ?? 0;
        var there = (now["status"]?["conditions"] as JsonArray)?.OfType<JsonObject>().FirstOrDefault(c => (string?)c["type"] == Condition.Type);
        var status = wanted.IsTrue ? "True" : "False";
        if (there is not null && (string?)there["status"] == status && (string?)there["reason"] == wanted.Reason && (string?)there["message"] == wanted.Message
            && (long?)there["observedGeneration"] == generation)
            return;
        // The time of the last transition is that of the status alone.
        var since = there is not null && (string?)there["status"] == status && (string?)there["lastTransitionTime"] is { } before
            ? before
            : time.GetUtcNow().UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
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
