namespace Ambient.Controller.Sources;

/// <summary>How a service spreads its clients over its endpoints.</summary>
internal sealed record ServiceTraffic
{
    /// <summary>What a Service that says nothing has.</summary>
    internal static ServiceTraffic Default { get; } = new();

    /// <summary>How long a client stays with its endpoint, in seconds; 0 for not at all.</summary>
    internal int ClientAffinitySeconds { get; init; }

    /// <summary>The Service's word for it, <c>PreferClose</c> say; empty if it has none.</summary>
    internal string Distribution { get; init; } = "";

    /// <summary>Only endpoints of the client's node are used.</summary>
    internal bool IsNodeLocal { get; init; }

    /// <summary>Endpoints count as ready whatever is said of them.</summary>
    internal bool PublishesNotReady { get; init; }
}
