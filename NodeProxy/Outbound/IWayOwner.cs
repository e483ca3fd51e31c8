using Ambient.NodeProxy.Capture;
using Ambient.NodeProxy.Engine;
using Ambient.NodeProxy.Policy;
using Ambient.NodeProxy.Telemetry;

namespace Ambient.NodeProxy.Outbound;

/// <summary>Who wants a way, and is told once how that ended.</summary>
internal interface IWayOwner
{
    /// <summary>It is open: bytes may flow.</summary>
    void OnWayOpen(OpenWay way);

    /// <summary>There is none; no byte of the app was sent.</summary>
    /// <param name="kind">What may be done about it.</param>
    /// <param name="reason">Why.</param>
    /// <param name="detail">The same for a person.</param>
    void OnNoWay(NoWay kind, RefusalReason reason, string detail);
}

/// <summary>An open way.</summary>
/// <param name="Upstream">The connection to the endpoint; the owner's from here on.</param>
/// <param name="Kind">Which way it is.</param>
/// <param name="Protection">What protects it.</param>
/// <param name="OtherPod">The destination, where both are on this node.</param>
/// <param name="Admitted">What its policy let in, where this side decided that.</param>
internal readonly record struct OpenWay(Connection Upstream, Way Kind, Protection Protection, PodOnLoop? OtherPod = null, ConnectionFacts? Admitted = null);

/// <summary>What may be done where there is no way.</summary>
internal enum NoWay
{
    /// <summary>Another endpoint may be tried.</summary>
    TryAnother,

    /// <summary>The other side has certainly done nothing: the same endpoint may be tried again.</summary>
    NothingDone,

    /// <summary>It would end the same everywhere.</summary>
    Final,
}
