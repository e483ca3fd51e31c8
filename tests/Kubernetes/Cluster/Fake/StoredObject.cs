using System.Text.Json;
using System.Text.Json.Nodes;

namespace Ambient.Tests.Kubernetes.Cluster.Fake;

/// <summary>One object at one revision, as it is served. Immutable.</summary>
internal sealed class StoredObject
{
    private static readonly JsonSerializerOptions Plain = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    internal StoredObject(JsonObject content, long revision)
    {
        Revision = revision;
        Utf8 = JsonSerializer.SerializeToUtf8Bytes(content, Plain);
        Labels = content["metadata"]?["labels"] is JsonObject labels
            ? labels.ToDictionary(label => label.Key, label => label.Value!.GetValue<string>())
            : [];
    }

    internal long Revision { get; }

    internal byte[] Utf8 { get; }

    internal IReadOnlyDictionary<string, string> Labels { get; }

    /// <summary>As one version of its kind is served. Storage keeps no other difference between versions.</summary>
    internal byte[] As(ResourceType type)
    {
        if (Utf8.AsSpan().IndexOf(System.Text.Encoding.UTF8.GetBytes($"\"apiVersion\":\"{type.ApiVersion}\"")) >= 0)
            return Utf8;
        var content = Copy();
        content["apiVersion"] = type.ApiVersion;
        return JsonSerializer.SerializeToUtf8Bytes(content, Plain);
    }

    /// <summary>A copy that the caller may change.</summary>
    internal JsonObject Copy() => JsonNode.Parse(Utf8)!.AsObject();
}

internal enum ChangeKind { Added, Modified, Deleted }

/// <summary>What happened at one revision.</summary>
/// <param name="Before">The object as it was; null if there was none.</param>
internal sealed record Change(long Revision, (string Group, string Plural) Type, string Namespace, ChangeKind Kind, StoredObject Object, StoredObject? Before);
