using Ambient.Protocol.Model;

namespace Ambient.NodeProxy.Telemetry;

/// <summary>Label values of enum members. The switches are complete, so that a new member cannot go unnamed.</summary>
internal static class Labels
{
    public static readonly RefusalReason[] Reasons = Enum.GetValues<RefusalReason>();
    public static readonly Way[] Ways = Enum.GetValues<Way>();
    public static readonly ProbeKind[] ProbeKinds = Enum.GetValues<ProbeKind>();
    public static readonly Reporter[] Reporters = Enum.GetValues<Reporter>();

    public static string Of(Reporter reporter) => reporter switch
    {
        Reporter.Source => "source",
        Reporter.Destination => "destination",
    };

    public static string Of(Way way) => way switch
    {
        Way.Tunnel => "tunnel",
        Way.Direct => "direct",
        Way.Plain => "plain",
        Way.Passthrough => "passthrough",
    };

    public static string Of(Protection protection) => protection switch
    {
        Protection.MutualTls => "mutual_tls",
        Protection.InMemory => "in_memory",
        Protection.Plaintext => "plaintext",
    };

    public static string Of(RefusalReason reason) => reason switch
    {
        RefusalReason.OwnPort => "own_port",
        RefusalReason.PodNotReady => "pod_not_ready",
        RefusalReason.PodGone => "pod_gone",
        RefusalReason.UnknownAddress => "unknown_address",
        RefusalReason.ServicePortUnknown => "service_port_unknown",
        RefusalReason.NoHealthyEndpoint => "no_healthy_endpoint",
        RefusalReason.NoCertificate => "no_certificate",
        RefusalReason.NoSockets => "no_sockets",
        RefusalReason.ConnectFailed => "connect_failed",
        RefusalReason.ConnectTimedOut => "connect_timed_out",
        RefusalReason.HandshakeFailed => "handshake_failed",
        RefusalReason.HandshakeTimedOut => "handshake_timed_out",
        RefusalReason.PeerIdentityUnexpected => "peer_identity_unexpected",
        RefusalReason.PeerUntrusted => "peer_untrusted",
        RefusalReason.TunnelRefused => "tunnel_refused",
        RefusalReason.TunnelLost => "tunnel_lost",
        RefusalReason.BadRequest => "bad_request",
        RefusalReason.BadAuthority => "bad_authority",
        RefusalReason.Denied => "denied",
        RefusalReason.Revoked => "revoked",
        RefusalReason.PlaintextUnderStrict => "plaintext_under_strict",
        RefusalReason.ProbeRefused => "probe_refused",
        RefusalReason.TunnelTooLate => "tunnel_too_late",
        RefusalReason.Draining => "draining",
        RefusalReason.Overloaded => "overloaded",
        RefusalReason.PodShare => "pod_share",
        RefusalReason.ProtocolViolation => "protocol_violation",
    };

    // Inside TLS nothing can be seen, so that only the port is checked: the name says so wherever it is read.
    public static string Of(ProbeKind kind) => kind switch
    {
        ProbeKind.Http => "http",
        ProbeKind.Tcp => "tcp",
        ProbeKind.Grpc => "grpc",
        ProbeKind.Https => "https_port_only",
    };

    public static string OrUnknown(string value) => value.Length > 0 ? value : "unknown";
}
