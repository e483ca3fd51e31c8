namespace Ambient.Bench.Rig.Peers;

/// <summary>Programs that take part if whoever starts the bench names them, each by a variable of the environment.</summary>
internal static class OtherPrograms
{
    private const string NodeVariable = "AMBIENT_BENCH_NODE", HaproxyVariable = "AMBIENT_BENCH_HAPROXY", ZtunnelVariable = "AMBIENT_BENCH_ZTUNNEL";

    /// <summary>Another build of ours.</summary>
    public static string? NodeProxy => Named(NodeVariable);

    /// <summary>Another HAProxy.</summary>
    public static string? Haproxy => Named(HaproxyVariable);

    /// <summary>Istio's node proxy.</summary>
    public static string? Ztunnel => Named(ZtunnelVariable);

    /// <summary>One that is named and not there, as <c>VARIABLE=PATH</c>; null if all are.</summary>
    public static string? Missing =>
        new[] { NodeVariable, HaproxyVariable, ZtunnelVariable }.Where(name => Named(name) is { } path && !File.Exists(path)).Select(name => $"{name}={Named(name)}").FirstOrDefault();

    private static string? Named(string variable) => Environment.GetEnvironmentVariable(variable) is { Length: > 0 } program ? program : null;
}
