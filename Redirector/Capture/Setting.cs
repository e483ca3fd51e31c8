namespace Ambient.Redirector.Capture;

/// <summary>The value of nf_conntrack_tcp_loose before capture; null where it does not exist yet.</summary>
internal sealed record Setting(int? Loose);
