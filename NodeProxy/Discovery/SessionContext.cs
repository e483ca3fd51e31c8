using System.Collections.Immutable;
using Ambient.NodeProxy.Identity;
using Ambient.Protocol.Model;
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
    /// <summary>What equal values of the view are made one object by, over all streams.</summary>
    public SharedValues Shared { get; } = new();

    /// <summary>A delta was refused: what the controller believes this node to hold and what it holds differ until a full view comes.</summary>
    public bool NeedsFullView { get; set; }

    /// <summary>
    /// The roots that the controller told of over a stream that was verified, by this process or the one before: while a root is replaced the
    /// file may be behind. DER; empty if there are none.
    /// </summary>
    public ImmutableArray<byte[]> LearntRoots => Certificates.TrustBundle is { IsEmpty: false } told
        ? told
        : Identities.All.MaxBy(svid => svid.Generation)?.TrustBundle ?? [];

    private MeshView? CaredFor { get; set; }

    /// <summary>Has the certificates cared for that the view in force asks for, and drops those that have ended.</summary>
    public void CareForCertificates()
    {
        MeshView view = Views.Current;
        // Without a view nothing is known to be unneeded: certificates of the process before may be there a moment earlier than its view.
        if (view.IsPresent && !ReferenceEquals(view, CaredFor))
            Certificates.Want(LocalIdentities.Of(view, Options.Node));
        CaredFor = view;
        Certificates.DropExpired();
    }
}
