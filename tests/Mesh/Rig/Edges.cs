using Ambient.Cli.Lab;

namespace Ambient.Tests.Mesh.Rig;

/// <summary>What the nodes themselves say about who spoke to whom, and how.</summary>
internal static class Edges
{
    private const string Opened = "ambient_connections_opened_total";

    /// <summary>Connections from one workload to another that one side has counted on a way and with a protection.</summary>
    public static double Connections(this MetricsPage page, string reporter, string source, string destination, string way, string protection) => page.Sum(
        Opened, ("reporter", reporter), ("source_workload", source), ("destination_workload", destination), ("way", way), ("protection", protection));

    /// <summary>All ways and protections that a side has used from one workload to another: "tunnel mutual_tls".</summary>
    public static IReadOnlyList<string> Ways(this MetricsPage page, string reporter, string source, string destination) =>
    [
        .. page.Of(Opened).Where(sample => sample.Value > 0 && sample.Label("reporter") == reporter
                && sample.Label("source_workload") == source && sample.Label("destination_workload") == destination)
            .Select(sample => $"{sample.Label("way")} {sample.Label("protection")}").Distinct(),
    ];

    /// <summary>Connections refused for a reason, by all nodes.</summary>
    public static double Refusals(this MetricsPage page, string reason) => page.Sum("ambient_refusals_total", ("reason", reason));
}
