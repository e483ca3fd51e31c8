using Ambient.Bench.Rig.Peers;

namespace Ambient.Bench.Rig;

/// <summary>How a run is made.</summary>
/// <param name="Rounds">How often each peer is measured.</param>
/// <param name="Time">How long each load runs.</param>
/// <param name="Results">Folder for files.</param>
/// <param name="Peers">Names of those that take part; empty for all.</param>
internal sealed record RigOptions(int Rounds, TimeSpan Time, string Results, IReadOnlyCollection<string> Peers)
{
    /// <summary>Whether it shows only that everything works: nothing is judged then.</summary>
    public bool IsQuick { get; init; }

    /// <summary>Whether whoever started the run wants a peer in it. A scenario's own comparison (`quiet`) goes with ours.</summary>
    public bool TakesPart(string peer) => Peers.Count == 0 || Peers.Contains(peer) || !PeerNames.All.Contains(peer);

    /// <summary>Where the order of each round's peers comes from.</summary>
    public int Seed { get; init; } = Random.Shared.Next(1, 1_000_000);

    /// <summary>How long a load runs before the first round. A compiler that still works would be counted; how long .NET's does was not measured.</summary>
    public TimeSpan WarmUp { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Connections of <c>idle</c>.</summary>
    public int IdleConnections { get; init; } = 20_000;

    /// <summary>Pairs of pods of <c>many</c>.</summary>
    public int Pairs { get; init; } = 400;

    /// <summary>Connections of <c>dense</c>.</summary>
    public int DenseConnections { get; init; } = 250_000;

    /// <summary>Pods of a node that rest in <c>start</c>.</summary>
    public int RestingPods { get; init; } = 100;

    /// <summary>A run that shows that everything works and measures nothing.</summary>
    public static RigOptions Quick(string results, IReadOnlyCollection<string> peers) => new(1, TimeSpan.FromSeconds(1), results, peers)
    {
        IsQuick = true, WarmUp = TimeSpan.FromSeconds(1), IdleConnections = 500, Pairs = 20, DenseConnections = 500, RestingPods = 10,
    };
}
