using System.Globalization;
using System.Text.Json.Nodes;

namespace Ambient.Tests.Kubernetes.Cluster.Fake;

/// <summary>JSON merge patch (RFC 7386) and JSON patch (RFC 6902).</summary>
internal static class Patches
{
    /// <summary>Applies a merge patch in place.</summary>
    internal static void Merge(JsonObject target, JsonObject patch)
    {
        foreach (var (name, value) in patch)
        {
            if (value is null)
            {
                target.Remove(name);
            }
            else if (value is JsonObject inner)
            {
                if (target[name] is not JsonObject)
                    target[name] = new JsonObject();
                Merge(target[name]!.AsObject(), inner);
            }
            else
            {
                target[name] = value.DeepClone();
            }
        }
    }

    /// <summary>Applies a JSON patch.</summary>
    /// <exception cref="ApiFailure">A step cannot be done.</exception>
    internal static JsonObject Apply(JsonObject target, JsonArray steps)
    {
        JsonNode root = target;
        foreach (var step in steps.Select(s => s!.AsObject()))
        {
            var path = Pointer((string)step["path"]!);
            switch ((string)step["op"]!)
            {
                case "add": Set(root, path, step["value"]?.DeepClone(), isNew: true); break;
                case "replace": Set(root, path, step["value"]?.DeepClone(), isNew: false); break;
                case "remove": Remove(root, path); break;
                case "test":
                    if (!JsonNode.DeepEquals(Get(root, path), step["value"]))
                        throw new ApiFailure(422, "Invalid", $"the server rejected our request due to an error in our request: test of {step["path"]} failed");
                    break;
                case "copy": Set(root, path, Get(root, Pointer((string)step["from"]!))?.DeepClone(), isNew: true); break;
                case "move":
                    var from = Pointer((string)step["from"]!);
                    var moved = Get(root, from)?.DeepClone();
                    Remove(root, from);
                    Set(root, path, moved, isNew: true);
                    break;
                case var other: throw ApiFailure.BadRequest($"unknown operation {other}");
            }
        }
        return root.AsObject();
    }

    private static string[] Pointer(string path) => [.. path.Split('/').Skip(1).Select(part => part.Replace("~1", "/").Replace("~0", "~"))];

    private static JsonNode? Get(JsonNode root, IEnumerable<string> path) => path.Aggregate((JsonNode?)root, (node, part) => node switch
    {
        JsonObject map when map.ContainsKey(part) => map[part],
        JsonArray list when int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var index) && index < list.Count => list[index],
        _ => throw new ApiFailure(422, "Invalid", $"the server rejected our request: no value at {part}"),
    });

    private static void Set(JsonNode root, string[] path, JsonNode? value, bool isNew)
    {
        var last = path[^1];
        switch (Get(root, path[..^1]))
        {
            case JsonObject map:
                if (!isNew && !map.ContainsKey(last))
                    throw new ApiFailure(422, "Invalid", $"the server rejected our request: no value at {last} to replace");
                map[last] = value;
                break;
            case JsonArray list:
                var index = last == "-" ? list.Count : int.Parse(last, CultureInfo.InvariantCulture);
                if (isNew)
                    list.Insert(index, value);
                else
                    list[index] = value;
                break;
        }
    }

    private static void Remove(JsonNode root, string[] path)
    {
        _ = Get(root, path);
        switch (Get(root, path[..^1]))
        {
            case JsonObject map: map.Remove(path[^1]); break;
            case JsonArray list: list.RemoveAt(int.Parse(path[^1], CultureInfo.InvariantCulture)); break;
        }
    }
}
