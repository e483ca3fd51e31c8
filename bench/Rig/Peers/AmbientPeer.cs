using System.Net;

namespace Ambient.Bench.Rig.Peers;

/// <summary>Ours: real Controller, Redirector and NodeProxy processes; only the NodeProxies are counted, since only they carry traffic.</summary>
internal sealed class AmbientPeer(Ground ground, bool sameNode) : IPeer
{
    public string Name => "ambient";

    public string ClientNetwork => ground.Web.Network;

    public string ServerNetwork => (sameNode ? ground.Near : ground.Api).Network;

    public IReadOnlyList<int> Processes =>
        [.. ground.Lab.Nodes.Take(sameNode ? 1 : 2).Select(node => node.NodeProxy.Current!.Id)];

    public string Configuration => "defaults; MeshConfig, Namespace, Pod and Service objects of Cli/Lab/MeshFolder, namespace labelled ambient.mesh/enroll";

    public IPEndPoint AddressOf(int serverPort) => new((sameNode ? ground.Near : ground.Api).V4, serverPort);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
