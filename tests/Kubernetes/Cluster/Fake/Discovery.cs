using System.Text.Json.Nodes;

namespace Ambient.Tests.Kubernetes.Cluster.Fake;

/// <summary>The documents in which the API says what it serves.</summary>
internal static class Discovery
{
    private static readonly string[] Verbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

    /// <returns>Null if the path is none of discovery's, or names what is not there.</returns>
    internal static JsonObject? Find(string[] path, IReadOnlyList<ResourceType> types) => path switch
    {
        ["version"] => new JsonObject { ["major"] = "1", ["minor"] = "30+", ["gitVersion"] = "v1.30.0-fake", ["platform"] = "linux/amd64" },
        ["api"] => new JsonObject { ["kind"] = "APIVersions", ["versions"] = new JsonArray("v1") },
        ["apis"] => new JsonObject
        {
            ["kind"] = "APIGroupList",
            ["apiVersion"] = "v1",
            ["groups"] = new JsonArray([.. types.Where(t => t.Group.Length > 0).GroupBy(t => t.Group).Select(g => (JsonNode)Group(g.Key, [.. g]))]),
        },
        ["apis", var group] when types.Where(t => t.Group == group).ToList() is { Count: > 0 } own => Group(group, own),
        ["api", "v1"] => Resources("v1", types.Where(t => t.Group.Length == 0)),
        ["apis", var group, var version] when types.Where(t => t.Group == group && t.Version == version).ToList() is { Count: > 0 } own => Resources($"{group}/{version}", own),
        _ => null,
    };

    private static JsonObject Group(string name, List<ResourceType> types)
    {
        var versions = types.Select(t => t.Version).Distinct().ToList();
        return new JsonObject
        {
            ["kind"] = "APIGroup",
            ["apiVersion"] = "v1",
            ["name"] = name,
            ["versions"] = new JsonArray([.. versions.Select(v => (JsonNode)Version(v))]),
            ["preferredVersion"] = Version(versions[0]),
        };

        JsonObject Version(string version) => new() { ["groupVersion"] = $"{name}/{version}", ["version"] = version };
    }

    private static JsonObject Resources(string groupVersion, IEnumerable<ResourceType> types)
    {
        var list = new JsonArray();
        foreach (var type in types)
        {
            list.Add(Resource(type, type.Plural, Verbs));
            if (type.HasStatus)
                list.Add(Resource(type, $"{type.Plural}/status", ["get", "patch", "update"]));
            if (type.Plural == "serviceaccounts")
                list.Add(Resource(type, "serviceaccounts/token", ["create"]));
        }
        return new JsonObject { ["kind"] = "APIResourceList", ["apiVersion"] = "v1", ["groupVersion"] = groupVersion, ["resources"] = list };

        static JsonObject Resource(ResourceType type, string name, string[] verbs) => new()
        {
            ["name"] = name,
            ["singularName"] = type.Kind.ToLowerInvariant(),
            ["namespaced"] = type.IsNamespaced,
            ["kind"] = type.Kind,
            ["verbs"] = new JsonArray([.. verbs.Select(v => (JsonNode)v)]),
        };
    }
}
