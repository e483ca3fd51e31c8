using System.Net;

namespace Ambient.Bench.Rig.Peers;

/// <summary>A peer under another name: the same processes under other circumstances.</summary>
internal sealed class RenamedPeer(IPeer peer, string name) : IPeer
{
    public string Name => name;

    public string ClientNetwork => peer.ClientNetwork;

    public string ServerNetwork => peer.ServerNetwork;

    public IReadOnlyList<int> Processes => peer.Processes;

    public IReadOnlyList<int> CpuProcesses => peer.CpuProcesses;

    public string Configuration => peer.Configuration;

    public int MostConnections => peer.MostConnections;

    public IPEndPoint AddressOf(int serverPort) => peer.AddressOf(serverPort);

    public Task RestartAsync() => peer.RestartAsync();

    public Task CloseLinksAsync() => peer.CloseLinksAsync();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
