using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using k8s;
using k8s.Models;

namespace Ambient.Controller.Replicas;

/// <summary>MeshNodes in the Kubernetes API. One is made with the Node of its name as owner, so that it goes when the Node goes.</summary>
internal sealed class KubernetesMeshNodes(Func<IKubernetes> client) : IMeshNodeStore
{
    // Not the library's own way of writing: it makes null of an empty text, which the schema refuses.
    private static readonly JsonSerializerOptions Json = new() { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    /// <inheritdoc/>
    public Task<MeshNode?> ReadAsync(string name, CancellationToken cancellation) => ClusterCall.OrNullAsync($"read MeshNode {name}", token =>
        client().CustomObjects.GetClusterCustomObjectAsync<MeshNode>(MeshNode.Group, MeshNode.Version, MeshNode.Plural, name, token), cancellation);

    /// <inheritdoc/>
    public async Task<string?> TryWriteAsync(string name, string? version, MeshNodeStatus status, CancellationToken cancellation)
    {
        try
        {
            version ??= await CreateAsync(name, cancellation);
            // Only what the status subresource takes: everything else is left as it is.
            var node = new MeshNode { Metadata = new V1ObjectMeta { Name = name, ResourceVersion = version }, Status = status };
            var written = await ClusterCall.Async($"write the status of MeshNode {name}", token => client().CustomObjects.ReplaceClusterCustomObjectStatusAsync<MeshNode>(
                ToJson(node), MeshNode.Group, MeshNode.Version, MeshNode.Plural, name, cancellationToken: token), cancellation);
            return written.Metadata.ResourceVersion;
        }
        catch (ClusterException e) when (e.Status == HttpStatusCode.Conflict || (e.Status == HttpStatusCode.NotFound && version is not null))
        {
            return null;
        }
    }

    /// <summary>The object as it goes to the API.</summary>
    internal static JsonElement ToJson(MeshNode node) => JsonSerializer.SerializeToElement(node, Json);

    private async Task<string> CreateAsync(string name, CancellationToken cancellation)
    {
        var owner = await ClusterCall.OrNullAsync($"read Node {name}", token => client().CoreV1.ReadNodeAsync(name, cancellationToken: token), cancellation);
        var node = new MeshNode
        {
            Metadata = new V1ObjectMeta
            {
                Name = name,
                Labels = new Dictionary<string, string> { ["app.kubernetes.io/managed-by"] = "ambient-controller" },
                OwnerReferences = owner is null ? null : [new V1OwnerReference { ApiVersion = "v1", Kind = "Node", Name = name, Uid = owner.Metadata.Uid }],
            },
        };
        var made = await ClusterCall.Async($"make MeshNode {name}", token => client().CustomObjects.CreateClusterCustomObjectAsync<MeshNode>(
            ToJson(node), MeshNode.Group, MeshNode.Version, MeshNode.Plural, cancellationToken: token), cancellation);
        return made.Metadata.ResourceVersion;
    }
}
