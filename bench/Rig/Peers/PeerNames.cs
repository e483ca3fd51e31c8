namespace Ambient.Bench.Rig.Peers;

/// <summary>All names of peers, and which of them this machine has.</summary>
internal static class PeerNames
{
    /// <summary>In the order of tables.</summary>
    public static IReadOnlyList<string> All { get; } = ["ambient", "ambient-other", "direct", "ztunnel", "haproxy", "haproxy-http", "haproxy-other", "haproxy-other-http", "nginx", "plain"];

    /// <summary>Why a peer cannot take part here; null if it can.</summary>
    public static string? WhyAbsent(string name) => name switch
    {
        "ambient-other" => OtherPrograms.NodeProxy is null ? "AMBIENT_BENCH_NODE names no other build" : null,
        "ztunnel" => OtherPrograms.Ztunnel is null ? "AMBIENT_BENCH_ZTUNNEL names none" : null,
        "haproxy" or "haproxy-http" => ProgramSearch.IsInstalled("haproxy") ? null : "the program haproxy is not installed",
        "haproxy-other" or "haproxy-other-http" => OtherPrograms.Haproxy is null ? "AMBIENT_BENCH_HAPROXY names none" : null,
        "nginx" => !ProgramSearch.IsInstalled("nginx") ? "the program nginx is not installed" : NginxKind.IsInstalled ? null : "nginx has no stream module",
        _ => null,
    };
}
