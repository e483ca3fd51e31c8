using System.Net;
using Ambient.Bench.Rig.Loads;

namespace Ambient.Bench.Rig.Peers;

/// <summary>A peer that carries for many pairs of pods at once.</summary>
/// <param name="peer">Whose processes carry.</param>
/// <param name="targets">From which pod to where, for each pair.</param>
/// <param name="serverNetworks">The pods that servers are to listen in.</param>
/// <param name="mostConnections">How many it can hold over all pairs.</param>
internal sealed class PairsPeer(IPeer peer, IReadOnlyList<LoadTarget> targets, IReadOnlyList<string> serverNetworks, int mostConnections) : IPeer
{
    public IReadOnlyList<LoadTarget> Targets => targets;

    public IReadOnlyList<string> ServerNetworks => serverNetworks;

    public string Name => peer.Name;

    public string ClientNetwork => peer.ClientNetwork;

    public string ServerNetwork => peer.ServerNetwork;

    public IReadOnlyList<int> Processes => peer.Processes;

    public IReadOnlyList<int> CpuProcesses => peer.CpuProcesses;

    public string Configuration => peer.Configuration;

    public int MostConnections => mostConnections;

    public IPEndPoint AddressOf(int serverPort) => peer.AddressOf(serverPort);

    public Task RestartAsync() => peer.RestartAsync();

    public Task CloseLinksAsync() => peer.CloseLinksAsync();

    public ValueTask DisposeAsync() => peer.DisposeAsync();
}
