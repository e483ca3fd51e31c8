using System.Text.Json.Nodes;

namespace Ambient.Tests.Kubernetes.Cluster.Fake;

/// <summary>
/// Server-side apply with ownership of fields, and what it knows of lists: a few well-known ones are maps by a key, all others are one
/// value. So ownership, conflicts, force and the removal of what a manager no longer says are as in the real server, while merging by
/// a schema is not: tests of that need a real server.
/// </summary>
internal static class ServerSideApply
{
    private static readonly Dictionary<string, string> ListKeys = new()
    {
        ["conditions"] = "type",
        ["containers"] = "name",
        ["initContainers"] = "name",
        ["volumes"] = "name",
        ["env"] = "name",
    };

    // What no manager owns: it identifies the object, or is the server's.
    private static readonly HashSet<string> Unowned =
        ["/apiVersion", "/kind", "/metadata/name", "/metadata/namespace", "/metadata/uid", "/metadata/resourceVersion", "/metadata/creationTimestamp", "/metadata/generation", "/metadata/managedFields"];

    /// <summary>Applies what a manager says to what there is.</summary>
    /// <returns>What there shall be; managedFields included.</returns>
    /// <exception cref="ApiFailure">409: another manager owns a field with another value, and force is off.</exception>
    internal static JsonObject Apply(ResourceType type, JsonObject? before, JsonObject said, string manager, bool force, string now, string subresource)
    {
        var result = before?.DeepClone().AsObject() ?? new JsonObject();
        var owners = Owners(result);
        var own = Leaves(said).Where(leaf => !Unowned.Contains(leaf.Key)).ToDictionary();
        var existing = Leaves(result);

        var conflicts = new List<string>();
        foreach (var (entry, fields) in owners.Where(o => o.Key.Manager != manager || o.Key.Operation != "Apply" || o.Key.Subresource != subresource))
        {
            foreach (var path in fields.Where(own.ContainsKey).ToList())
            {
                if (existing.TryGetValue(path, out var value) && JsonNode.DeepEquals(value, own[path]))
                    continue;
                conflicts.Add($"conflict with \"{entry.Manager}\": {path.Replace('/', '.')}");
                fields.Remove(path);
            }
        }
        if (conflicts.Count > 0 && !force)
        {
            throw new ApiFailure(409, "Conflict", $"Apply failed with {conflicts.Count} conflict{(conflicts.Count > 1 ? "s" : "")}: {string.Join("; ", conflicts)}");
        }

        var key = new Entry(manager, "Apply", subresource);
        var others = owners.Where(o => o.Key != key).SelectMany(o => o.Value).ToHashSet();
        foreach (var path in owners.GetValueOrDefault(key, []).Where(path => !own.ContainsKey(path) && !others.Contains(path))
            .OrderBy(path => ListKeys.ContainsValue(path[(path.LastIndexOf('/') + 1)..]))) // by which its entry is found
            Remove(result, Steps(path));
        MergeInto(result, said, "");
        owners[key] = [.. own.Keys];
        WriteOwners(result, owners, type.ApiVersion, now);
        return result;
    }

    /// <summary>Gives what an update changed to the manager that made it, and takes it from all others.</summary>
    internal static void Own(ResourceType type, JsonObject? before, JsonObject after, string manager, string now, string subresource)
    {
        var owners = Owners(after);
        var (was, found) = (before is null ? [] : Leaves(before), Leaves(after));
        var changed = found.Where(leaf => !Unowned.Contains(leaf.Key) && !(was.TryGetValue(leaf.Key, out var old) && JsonNode.DeepEquals(old, leaf.Value)))
            .Select(leaf => leaf.Key).ToHashSet();
        foreach (var fields in owners.Values)
            fields.RemoveWhere(path => changed.Contains(path) || !found.ContainsKey(path));
        var key = new Entry(manager, "Update", subresource);
        if (changed.Count > 0)
            owners[key] = [.. owners.GetValueOrDefault(key, []), .. changed];
        WriteOwners(after, owners, type.ApiVersion, now);
    }

    private static Dictionary<Entry, HashSet<string>> Owners(JsonObject content)
    {
        var owners = new Dictionary<Entry, HashSet<string>>();
        foreach (var entry in (content["metadata"]?["managedFields"] as JsonArray ?? []).Select(e => e!.AsObject()))
        {
            var paths = new HashSet<string>();
            ReadPaths(entry["fieldsV1"] as JsonObject ?? [], "", paths);
            owners[new Entry((string)entry["manager"]!, (string)entry["operation"]!, (string?)entry["subresource"] ?? "")] = paths;
        }
        return owners;
    }

    private static void WriteOwners(JsonObject content, Dictionary<Entry, HashSet<string>> owners, string apiVersion, string now)
    {
        var known = (content["metadata"]!["managedFields"] as JsonArray ?? []).Select(e => e!.AsObject())
            .ToDictionary(e => new Entry((string)e["manager"]!, (string)e["operation"]!, (string?)e["subresource"] ?? ""));
        var entries = new JsonArray();
        foreach (var (key, paths) in owners.Where(o => o.Value.Count > 0))
        {
            var fields = new JsonObject();
            foreach (var path in paths.Order(StringComparer.Ordinal))
            {
                var at = fields;
                foreach (var step in Steps(path))
                {
                    var field = step.StartsWith("k:", StringComparison.Ordinal) ? step : $"f:{step}";
                    at = (at[field] ??= new JsonObject()).AsObject();
                }
            }
            var isSame = known.TryGetValue(key, out var before) && JsonNode.DeepEquals(before["fieldsV1"], fields);
            var entry = new JsonObject
            {
                ["manager"] = key.Manager,
                ["operation"] = key.Operation,
                ["apiVersion"] = apiVersion,
                ["time"] = isSame ? before!["time"]!.DeepClone() : now,
                ["fieldsType"] = "FieldsV1",
                ["fieldsV1"] = fields,
            };
            if (key.Subresource.Length > 0)
                entry["subresource"] = key.Subresource;
            entries.Add(entry);
        }
        content["metadata"]!["managedFields"] = entries;
    }

    private static void ReadPaths(JsonObject fields, string at, HashSet<string> paths)
    {
        if (fields.Count == 0 && at.Length > 0)
            paths.Add(at);
        foreach (var (name, inner) in fields)
            ReadPaths(inner!.AsObject(), $"{at}/{Escape(name.StartsWith("f:", StringComparison.Ordinal) ? name[2..] : name)}", paths);
    }

    // Values by path: of maps and of lists that are maps by a key. A step k:{"type":"Ready"} names an entry of such a list.
    private static Dictionary<string, JsonNode?> Leaves(JsonObject content)
    {
        var leaves = new Dictionary<string, JsonNode?>();
        Walk(content, "", "");
        return leaves;

        void Walk(JsonNode? node, string path, string name)
        {
            if (path == "/metadata/managedFields")
                return;
            if (node is JsonObject map && map.Count > 0)
            {
                foreach (var (field, inner) in map)
                    Walk(inner, $"{path}/{Escape(field)}", field);
            }
            else if (node is JsonArray list && ListKeys.TryGetValue(name, out var key) && list.Count > 0)
            {
                foreach (var item in list)
                    Walk(item, $"{path}/{Escape($"k:{{\"{key}\":\"{item![key]}\"}}")}", "");
            }
            else
            {
                leaves[path] = node;
            }
        }
    }

    private static void MergeInto(JsonObject target, JsonObject said, string path)
    {
        foreach (var (name, value) in said)
        {
            if ($"{path}/{name}" == "/metadata/managedFields")
                continue;
            if (value is JsonObject inner && target[name] is JsonObject there)
            {
                MergeInto(there, inner, $"{path}/{name}");
            }
            else if (value is JsonArray items && target[name] is JsonArray list && ListKeys.TryGetValue(name, out var key))
            {
                foreach (var item in items.Select(i => i!.AsObject()))
                {
                    if (list.FirstOrDefault(i => (string?)i![key] == (string?)item[key]) is JsonObject known)
                        MergeInto(known, item, "/[]");
                    else
                        list.Add(item.DeepClone());
                }
            }
            else
            {
                target[name] = value?.DeepClone();
            }
        }
    }

    private static void Remove(JsonObject root, string[] steps)
    {
        JsonNode? at = root;
        foreach (var step in steps[..^1])
            at = Step(at, step);
        // What would be left empty was said by nobody any more.
        if (steps.Length > 1 && at is JsonObject { Count: 1 } last && last.ContainsKey(steps[^1]))
        {
            Remove(root, steps[..^1]);
            return;
        }
        switch (at)
        {
            case JsonObject map: map.Remove(steps[^1]); break;
            case JsonArray list when Step(list, steps[^1]) is { } item: list.Remove(item); break;
        }
    }

    private static JsonNode? Step(JsonNode? at, string step) => at switch
    {
        JsonObject map => map[step],
        JsonArray list => list.FirstOrDefault(item => ListKeys.Values.Distinct().Any(key => step == $"k:{{\"{key}\":\"{item![key]}\"}}")),
        _ => null,
    };

    private static string[] Steps(string path) => [.. path.Split('/').Skip(1).Select(part => part.Replace("~1", "/").Replace("~0", "~"))];

    private static string Escape(string step) => step.Replace("~", "~0").Replace("/", "~1");

    private readonly record struct Entry(string Manager, string Operation, string Subresource);
}
