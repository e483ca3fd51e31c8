using System.Text.Json.Nodes;

namespace Ambient.Controller.Kubernetes.Writing;

/// <summary>Reads what others wrote, under a schema that may be anybody's: what is not of the form counts as missing.</summary>
internal static class LooseJson
{
    internal static string? Text(this JsonObject map, string name) => map[name] is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;

    internal static long? Number(this JsonObject map, string name) => map[name] is JsonValue value && value.TryGetValue<long>(out var number) ? number : null;

    internal static JsonObject? Map(this JsonObject map, string name) => map[name] as JsonObject;

    /// <summary>Those items of a list that are objects.</summary>
    internal static IEnumerable<JsonObject> Maps(this JsonObject map, string name) => (map[name] as JsonArray ?? []).OfType<JsonObject>();
}
