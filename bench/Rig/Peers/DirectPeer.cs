using System.Net;

namespace Ambient.Bench.Rig.Peers;

/// <summary>No proxy: what the network alone can do.</summary>
internal sealed class DirectPeer(Ground ground, bool sameNode) : IPeer
{
    public string Name => "direct";

    public string ClientNetwork => ground.Client.Network;

    public string ServerNetwork => (sameNode ? ground.Beside : ground.Server).Network;

    public IReadOnlyList<int> Processes => [];

    public string Configuration => "none: the client connects to the pod's own address";

    public IPEndPoint AddressOf(int serverPort) => new((sameNode ? ground.Beside : ground.Server).V4, serverPort);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
