using System.Net;
using Ambient.Cli.Lab;

namespace Ambient.Bench.Rig.Peers;

/// <summary>No proxy: what the network alone can do.</summary>
internal sealed class DirectPeer(PodPlan client, PodPlan server) : IPeer
{
    public string Name => "direct";

    public string ClientNetwork => client.Network;

    public string ServerNetwork => server.Network;

    public IReadOnlyList<int> Processes => [];

    public string Configuration => "none: the client connects to the pod's own address";

    public int MostConnections => int.MaxValue;

    public IPEndPoint AddressOf(int serverPort) => new(server.V4, serverPort);

    public Task RestartAsync() => Task.CompletedTask;

    public Task CloseLinksAsync() => Task.CompletedTask;

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
