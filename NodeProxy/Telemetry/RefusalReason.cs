namespace Ambient.NodeProxy.Telemetry;

/// <summary>Why a connection was refused or cut. Every refusal has one; its label value is the name in snake case.</summary>
public enum RefusalReason
{
    /// <summary>The destination is one of the mesh's own ports.</summary>
    OwnPort,

    /// <summary>The pod's view, certificate or policy has not arrived.</summary>
    PodNotReady,

    /// <summary>The pod has ended.</summary>
    PodGone,

    /// <summary>The address lies in the mesh's ranges and the view does not know it.</summary>
    UnknownAddress,

    /// <summary>The service has no such port.</summary>
    ServicePortUnknown,

    /// <summary>The service has no endpoint that could be tried.</summary>
    NoHealthyEndpoint,

    /// <summary>The pod has no certificate.</summary>
    NoCertificate,

    /// <summary>No socket of the pod's namespace came in time.</summary>
    NoSockets,

    /// <summary>The destination did not take the connection.</summary>
    ConnectFailed,

    /// <summary>The destination did not answer in time.</summary>
    ConnectTimedOut,

    /// <summary>The TLS handshake failed.</summary>
    HandshakeFailed,

    /// <summary>The TLS handshake took too long.</summary>
    HandshakeTimedOut,

    /// <summary>The peer is not the one who was expected.</summary>
    PeerIdentityUnexpected,

    /// <summary>The peer's certificate is missing, expired, or not ours.</summary>
    PeerUntrusted,

    /// <summary>The other node refused the stream.</summary>
    TunnelRefused,

    /// <summary>The link ended under the stream.</summary>
    TunnelLost,

    /// <summary>The tunnel's request was not a CONNECT as it has to be.</summary>
    BadRequest,

    /// <summary>The tunnel's authority is not an address of the pod.</summary>
    BadAuthority,

    /// <summary>A policy denied it.</summary>
    Denied,

    /// <summary>A change of policy denies what was let in before, and cut it.</summary>
    Revoked,

    /// <summary>Plaintext, and the pod's mode is STRICT.</summary>
    PlaintextUnderStrict,

    /// <summary>Plaintext from the pod's own node under STRICT that is no probe as the pod's spec declares it.</summary>
    ProbeRefused,

    /// <summary>A tunnel on the app's port began after the app's bytes had been let through. The peer tries again.</summary>
    TunnelTooLate,

    /// <summary>The pod is being withdrawn or this process is ending.</summary>
    Draining,

    /// <summary>A budget is used up.</summary>
    Overloaded,

    /// <summary>The pod holds its share of this node.</summary>
    PodShare,

    /// <summary>The peer broke a rule of HTTP/2 or of the tunnel: its stream or its link was ended.</summary>
    ProtocolViolation,
}
