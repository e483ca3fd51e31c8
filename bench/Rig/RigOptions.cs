namespace Ambient.Bench.Rig;

/// <summary>How a run is made.</summary>
/// <param name="Rounds">How often each peer is measured.</param>
/// <param name="Time">How long each load runs.</param>
/// <param name="IdleConnections">Connections of the idle scenario.</param>
/// <param name="Results">Folder for files.</param>
/// <param name="Peers">Names of those that take part; empty for all.</param>
internal sealed record RigOptions(int Rounds, TimeSpan Time, int IdleConnections, string Results, IReadOnlyCollection<string> Peers);
