namespace Ambient.Protocol.Model;

/// <summary>Which endpoints of a service a client is sent to first.</summary>
public enum TrafficDistribution
{
    /// <summary>All alike.</summary>
    Anywhere,

    /// <summary>Those of the client's zone, if it has any: <c>trafficDistribution: PreferClose</c> or <c>PreferSameZone</c>.</summary>
    SameZoneFirst,

    /// <summary>Those of the client's node, else of its zone: <c>PreferSameNode</c>.</summary>
    SameNodeFirst,

    /// <summary>Those of the client's node and no others: <c>internalTrafficPolicy: Local</c>.</summary>
    SameNodeOnly,
}
