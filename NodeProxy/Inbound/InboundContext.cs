using Ambient.NodeProxy.Discovery;
using Ambient.NodeProxy.Engine;
using Ambient.NodeProxy.Sessions;
using Ambient.NodeProxy.Telemetry;
using Ambient.NodeProxy.Tunnel;

namespace Ambient.NodeProxy.Inbound;

/// <summary>What the server side of one loop works with.</summary>
internal sealed record InboundContext
{
    public required EventLoop Loop { get; init; }

    public required MeshViewHolder Views { get; init; }

    public required CredentialCache Credentials { get; init; }

    public required LinkContext Links { get; init; }

    public required SessionBook Sessions { get; init; }

    public required Refusals Refusals { get; init; }

    public LoopMetrics Metrics => Links.Metrics;

    /// <summary>What a pod answers with now; null while it is unknown or has no certificate.</summary>
    public LinkCredentials? CredentialsOf(string podUid) => Views.Current.TryFindWorkloadByUid(podUid, out var pod)
        ? Credentials.Current(podUid, pod.IdentityIn(Views.Current.Settings.TrustDomain))
        : null;
}
