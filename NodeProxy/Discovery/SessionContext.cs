using Ambient.NodeProxy.Identity;
using Microsoft.Extensions.Logging;

namespace Ambient.NodeProxy.Discovery;

/// <summary>What outlives a session with the controller.</summary>
internal sealed record SessionContext(
    ControllerStreamOptions Options,
    MeshViewHolder Views,
    IdentityStore Identities,
    IOrderCarrier Orders,
    ReportOutbox Reports,
    INodeStatus Status,
    CertificateKeeper Certificates,
    TimeProvider Time,
    ILogger Logger,
    Action<bool> ConnectedChanged)
{
    /// <summary>A delta was refused: what the controller believes this node to hold and what it holds differ until a full view comes.</summary>
    public bool NeedsFullView { get; set; }
}
