using System.Text.Json.Serialization;
using Ambient.Cli.Lab;

namespace Ambient.Cli.Edges;

/// <summary>What some nodes say of their traffic, joined: a connection that both of its ends have counted is one row.</summary>
internal sealed record EdgeReport(IReadOnlyList<EdgeRow> Edges, IReadOnlyList<NonTcpRow> NonTcp, IReadOnlyList<RefusalRow> Refusals, IReadOnlyList<SilentNode> Silent)
{
    private static readonly string[] NonTcpLabels = ["source_workload", "source_namespace", "destination_workload", "destination_namespace", "protocol"];

    private static readonly string[] EdgeLabels =
    [
        "source_workload", "source_namespace", "source_identity", "destination_workload", "destination_namespace", "destination_identity", "way", "protection",
    ];

    /// <summary>Joins the nodes' metrics.</summary>
    /// <param name="nodes">By the node's name.</param>
    /// <param name="silent">Nodes that did not answer.</param>
    public static EdgeReport Of(IReadOnlyList<(string Node, MetricsPage Page)> nodes, IReadOnlyList<SilentNode> silent)
    {
        var all = nodes.SelectMany(node => node.Page.Samples).ToList();
        return new EdgeReport(
            [.. EdgesOf(all).OrderBy(row => (row.SourceNamespace, row.SourceWorkload, row.DestinationNamespace, row.DestinationWorkload, row.Service, row.Way))],
            [.. NonTcpOf(all).OrderBy(row => (row.SourceNamespace, row.SourceWorkload, row.DestinationNamespace, row.DestinationWorkload, row.Protocol))],
            [.. nodes.SelectMany(node => node.Page.Of("ambient_refusals_total").Where(sample => sample.Value > 0)
                .Select(sample => new RefusalRow(node.Node, sample.Label("reporter"), sample.Label("reason"), sample.Value)))],
            silent);
    }

    private static IEnumerable<EdgeRow> EdgesOf(List<MetricsSample> all)
    {
        var values = new[] { "ambient_connections_opened_total", "ambient_connections_open", "ambient_sent_bytes_total", "ambient_received_bytes_total" };
        foreach (var edge in ByEdge(all.Where(sample => values.Contains(sample.Name)), EdgeLabels))
        {
            // Only the source knows the service that was asked for.
            foreach (var service in edge.Samples.GroupBy(sample => edge.CountedBy == "source" ? Known(sample.Label("destination_service")) : ""))
            {
                double Of(string name) => service.Where(sample => sample.Name == name).Sum(sample => sample.Value);
                if (Of(values[0]) > 0)
                {
                    yield return new EdgeRow(edge.Key[0], edge.Key[1], edge.Key[2], edge.Key[3], edge.Key[4], edge.Key[5], service.Key, edge.Key[6], edge.Key[7],
                        edge.CountedBy, Of(values[0]), Of(values[1]), Of(values[2]), Of(values[3]));
                }
            }
        }
    }

    private static IEnumerable<NonTcpRow> NonTcpOf(List<MetricsSample> all) =>
        ByEdge(all.Where(sample => sample.Name is "ambient_non_tcp_packets_total" or "ambient_non_tcp_bytes_total"), NonTcpLabels).Select(edge => new NonTcpRow(
            edge.Key[0], edge.Key[1], edge.Key[2], edge.Key[3], edge.Key[4], edge.CountedBy,
            edge.Samples.Where(sample => sample.Name == "ambient_non_tcp_packets_total").Sum(sample => sample.Value),
            edge.Samples.Where(sample => sample.Name == "ambient_non_tcp_bytes_total").Sum(sample => sample.Value)));

    private static IEnumerable<(string[] Key, string CountedBy, List<MetricsSample> Samples)> ByEdge(IEnumerable<MetricsSample> samples, string[] labels)
    {
        foreach (var edge in samples.GroupBy(sample => string.Join('\0', labels.Select(sample.Label))))
        {
            var side = edge.Any(sample => sample.Label("reporter") == "source") ? "source" : "destination";
            yield return (edge.Key.Split('\0'), side, [.. edge.Where(sample => sample.Label("reporter") == side)]);
        }
    }

    private static string Known(string value) => value == "unknown" ? "" : value;
}

/// <summary>The report's JSON form.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(EdgeReport))]
internal sealed partial class EdgeJson : JsonSerializerContext;
