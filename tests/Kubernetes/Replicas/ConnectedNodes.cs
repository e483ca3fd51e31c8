using System.Net;
using Ambient.Tests.Kubernetes.Cluster;

namespace Ambient.Tests.Kubernetes.Replicas;

/// <summary>Some nodes of a mesh, each with a token of its own.</summary>
internal sealed class ConnectedNodes : IAsyncDisposable
{
    private ConnectedNodes(List<SimulatedNode> all) => All = all;

    internal List<SimulatedNode> All { get; }

    /// <summary>Returns when all are connected.</summary>
    /// <param name="isThere">Whether a pod is still meant to be in the mesh.</param>
    internal static async Task<ConnectedNodes> ConnectAsync(ApiServer server, MeshCluster mesh, IPEndPoint controller, int count, Func<string, bool> isThere)
    {
        var (bundle, key) = (await mesh.BundleFileAsync(), (await mesh.ConfigMapAsync(mesh.Namespace)).Data["order-key.pem"]);
        var nodes = new List<SimulatedNode>();
        for (var i = 0; i < count; i++)
        {
            var name = server.Name("n");
            var token = Path.Combine(Path.GetDirectoryName(bundle)!, $"{name}.token");
            await File.WriteAllTextAsync(token, await mesh.TokenAsync(name));
            nodes.Add(new SimulatedNode(name, controller, bundle, token, key, isThere));
        }
        Assert.True(await Eventually.TrueAsync(() => nodes.All(n => n.Stream.IsConnected)), string.Join('\n', nodes.Select(n => n.Stream.LastFailure)));
        return new ConnectedNodes(nodes);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var node in All)
            await node.DisposeAsync();
    }
}
