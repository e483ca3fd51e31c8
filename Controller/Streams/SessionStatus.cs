using Ambient.Protocol.Discovery.V1;

namespace Ambient.Controller.Streams;

/// <summary>What can be told about a stream at one moment.</summary>
/// <param name="OutstandingSince">When the delta was sent whose ack is still out; null if none is.</param>
/// <param name="LastNack">The node's reason for refusing the newest view that it refused; null if it has accepted one since.</param>
/// <param name="Health">What the node said last of its redirection (its canary); null until it has. Nobody changes it.</param>
internal sealed record SessionStatus(string Node, string Peer, string Software, string BootId, DateTimeOffset ConnectedSince, ulong SentVersion,
    ulong AckedVersion, DateTimeOffset? OutstandingSince, string? LastNack, string? CertificateProblem, NodeHealth? Health);
