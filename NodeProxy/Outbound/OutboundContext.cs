using Ambient.NodeProxy.Balancing;
using Ambient.NodeProxy.Capture;
using Ambient.NodeProxy.Discovery;
using Ambient.NodeProxy.Engine;
using Ambient.NodeProxy.Sessions;
using Ambient.NodeProxy.Telemetry;
using Ambient.NodeProxy.Tunnel;

namespace Ambient.NodeProxy.Outbound;

/// <summary>What the client side of one loop works with.</summary>
internal sealed record OutboundContext
{
    public required EventLoop Loop { get; init; }

    /// <summary>This node's name.</summary>
    public required string Node { get; init; }

    public required MeshViewHolder Views { get; init; }

    public required EndpointChooser Chooser { get; init; }

    public required LoopPods Pods { get; init; }

    public required CredentialCache Credentials { get; init; }

    public required LinkContext Links { get; init; }

    public required SessionBook Sessions { get; init; }

    public required Refusals Refusals { get; init; }

    public LoopMetrics Metrics => Links.Metrics;

    /// <summary>What a pod speaks with now; null while it is unknown or has no certificate.</summary>
    public LinkCredentials? CredentialsOf(string podUid) => Views.Current.TryFindWorkloadByUid(podUid, out var pod)
        ? Credentials.Current(podUid, pod.IdentityIn(Views.Current.Settings.TrustDomain))
        : null;
}
