using System.Text.Json.Nodes;

namespace Ambient.Tests.Kubernetes.Cluster.Fake;

/// <summary>Which kinds are served: those built in, and those of the CustomResourceDefinitions in storage.</summary>
internal sealed class KindTable(Storage storage)
{
    private static readonly ResourceType Definitions = ResourceType.BuiltIn.Single(t => t.Plural == "customresourcedefinitions");
    private readonly Lock _lock = new();
    private long _readAt = -1;
    private IReadOnlyList<ResourceType> _all = ResourceType.BuiltIn;

    internal IReadOnlyList<ResourceType> All
    {
        get
        {
            lock (_lock)
            {
                var (objects, revision) = storage.List(Definitions);
                if (revision != _readAt)
                {
                    _all = [.. ResourceType.BuiltIn, .. objects.Values.SelectMany(o => TypesOf(o.Copy()))];
                    _readAt = revision;
                }
                return _all;
            }
        }
    }

    internal ResourceType? Find(string group, string version, string plural) =>
        All.FirstOrDefault(t => t.Group == group && t.Version == version && t.Plural == plural);

    private static IEnumerable<ResourceType> TypesOf(JsonObject definition)
    {
        var spec = definition["spec"]!.AsObject();
        if (definition["metadata"]!["deletionTimestamp"] is not null)
            yield break;
        foreach (var version in spec["versions"]!.AsArray().Select(v => v!.AsObject()).Where(v => (bool?)v["served"] ?? false))
        {
            yield return new ResourceType((string)spec["group"]!, (string)version["name"]!, (string)spec["names"]!["plural"]!, (string)spec["names"]!["kind"]!,
                (string?)spec["scope"] == "Namespaced", version["subresources"]?["status"] is not null);
        }
    }
}
