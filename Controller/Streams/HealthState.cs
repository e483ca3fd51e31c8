using Ambient.Protocol.Discovery.V1;

namespace Ambient.Controller.Streams;

/// <summary>The one word for what a node said of its redirection.</summary>
internal static class HealthState
{
    /// <summary>Its canary was captured and reached a service address through the proxy.</summary>
    internal const string Ready = "Ready";

    /// <summary>It did not.</summary>
    internal const string Degraded = "Degraded";

    /// <summary>Nothing is known against the node, and nothing proves it: it has no service address to reach, say.</summary>
    internal const string Unknown = "Unknown";

    internal static string Of(NodeHealth health) => health is { Ok: true, Reason.Length: 0 } ? Ready : health.Ok ? Unknown : Degraded;
}
