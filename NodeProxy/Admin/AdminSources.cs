using Ambient.NodeProxy.Discovery;
using Ambient.NodeProxy.Identity;
using Ambient.NodeProxy.Telemetry;

namespace Ambient.NodeProxy.Admin;

/// <summary>Where the answers come from. None of it gives a key or a token away: certificates are told by name and time only.</summary>
public sealed record AdminSources
{
    /// <summary>This node's name.</summary>
    public required string Node { get; init; }

    /// <summary>Name and version of this process.</summary>
    public required string Software { get; init; }

    /// <summary>The settings the process runs with, by option name; paths of secret files, never what is in them.</summary>
    public required IReadOnlyDictionary<string, string> Settings { get; init; }

    /// <summary>All families of the node.</summary>
    public required NodeMetrics Metrics { get; init; }

    /// <summary>How the node stands.</summary>
    public required Func<NodeGauges> Gauges { get; init; }

    /// <summary>Why there is no session with the controller; empty if there is one or never was a failure.</summary>
    public required Func<string> ControllerFailure { get; init; }

    /// <summary>The view.</summary>
    public required MeshViewHolder Views { get; init; }

    /// <summary>The certificates.</summary>
    public required IdentityStore Identities { get; init; }

    /// <summary>The clock that certificates are held against.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Whether the node can serve.</summary>
    public required IReadinessSource Readiness { get; init; }

    /// <summary>The connections.</summary>
    public required IConnectionLister Connections { get; init; }
}
