namespace Ambient.NodeProxy.Telemetry;

/// <summary>How the node stands at the moment of a scrape.</summary>
/// <param name="OpenConnections">Connections carried now.</param>
/// <param name="CapturedPods">Pods whose rules are in force.</param>
/// <param name="IsControllerConnected">The stream to the controller is up.</param>
/// <param name="ViewVersion">Version of the view in force.</param>
/// <param name="ViewAge">How long ago the view came from a controller; null while there is none.</param>
/// <param name="Certificates">When the certificate of each identity ends.</param>
/// <param name="LoopBugs">Connections that were aborted because of a mistake of ours.</param>
public sealed record NodeGauges(
    int OpenConnections,
    int CapturedPods,
    bool IsControllerConnected,
    ulong ViewVersion,
    TimeSpan? ViewAge,
    IReadOnlyList<KeyValuePair<string, DateTimeOffset>> Certificates,
    long LoopBugs = 0)
{
    /// <summary>Descriptors that connections hold.</summary>
    public long DescriptorsHeld { get; init; }

    /// <summary>Descriptors that connections may hold before new ones are refused.</summary>
    public long DescriptorsAllowed { get; init; }

    /// <summary>How often accepting for a pod was stopped for a while because too many of its connections were being opened.</summary>
    public long AcceptHolds { get; init; }

    /// <summary>Memory is short: new connections are refused.</summary>
    public bool IsMemoryShort { get; init; }
}
