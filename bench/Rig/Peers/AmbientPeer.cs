using System.Net;
using Ambient.Cli.Lab;

namespace Ambient.Bench.Rig.Peers;

/// <summary>Ours: real Controller, Redirector and NodeProxy processes; only the NodeProxies are counted, since only they carry traffic.</summary>
/// <param name="ground">Where.</param>
/// <param name="build">What its nodes run; the one that ships is called <c>ambient</c>, others have the build's name behind that.</param>
/// <param name="sameNode">Both pods on the first node.</param>
internal sealed class AmbientPeer(Ground ground, NodeBuild build, bool sameNode) : IPeer
{
    private readonly int _first = ground.FirstNodeOf(build);

    public string Name => NameOf(build);

    public string ClientNetwork => ground.Web(_first).Network;

    public string ServerNetwork => Server.Network;

    public IReadOnlyList<int> Processes =>
        [.. ground.Lab.Nodes.Skip(_first - 1).Take(sameNode ? 1 : 2).Select(node => node.NodeProxy.Current!.Id)];

    public string Configuration =>
        $"build {build.Name}; defaults; MeshConfig, Namespace, Pod and Service objects of Cli/Lab/MeshFolder, namespace labelled ambient.mesh/enroll";

    private PodPlan Server => sameNode ? ground.Near(_first) : ground.Api(_first);

    public static string NameOf(NodeBuild build) => build.Name == NodeBuild.Chosen.Name ? "ambient" : $"ambient-{build.Name}";

    public IPEndPoint AddressOf(int serverPort) => new(Server.V4, serverPort);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
