using System.Runtime.CompilerServices;
using System.Text.Json;
using Ambient.Cli.Edges;
using Ambient.Cli.Lab;

namespace Ambient.Tests.Unit.Cli;

/// <summary>What <c>ambientctl edges</c> makes of nodes' metrics.</summary>
public sealed class EdgesTests
{
    private const string Web = "source_workload=\"web\",source_namespace=\"shop\",source_identity=\"spiffe://d/ns/shop/sa/web\"";
    private const string Api = "destination_workload=\"api\",destination_namespace=\"shop\",destination_identity=\"spiffe://d/ns/shop/sa/api\"";
    private const string Tunnel = "way=\"tunnel\",protection=\"mutual_tls\"";

    private static readonly string Node1 = $$"""
        ambient_connections_opened_total{reporter="source",{{Web}},{{Api}},destination_service="shop/api",{{Tunnel}}} 12
        ambient_connections_open{reporter="source",{{Web}},{{Api}},destination_service="shop/api",{{Tunnel}}} 3
        ambient_sent_bytes_total{reporter="source",{{Web}},{{Api}},destination_service="shop/api",{{Tunnel}}} 1234
        ambient_received_bytes_total{reporter="source",{{Web}},{{Api}},destination_service="shop/api",{{Tunnel}}} 5600000
        ambient_connections_opened_total{reporter="source",{{Web}},{{Api}},destination_service="unknown",{{Tunnel}}} 2
        ambient_refusals_total{reporter="source",reason="unknown_address"} 4
        ambient_refusals_total{reporter="source",reason="denied"} 0
        ambient_non_tcp_packets_total{reporter="source",source_workload="web",source_namespace="shop",destination_workload="dns",destination_namespace="kube-system",protocol="udp"} 8
        ambient_non_tcp_bytes_total{reporter="source",source_workload="web",source_namespace="shop",destination_workload="dns",destination_namespace="kube-system",protocol="udp"} 600
        """;

    private static readonly string Node2 = $$"""
        ambient_connections_opened_total{reporter="destination",{{Web}},{{Api}},destination_service="unknown",{{Tunnel}}} 14
        ambient_connections_opened_total{reporter="destination",source_workload="unknown",source_namespace="unknown",source_identity="unknown",{{Api}},destination_service="unknown",way="plain",protection="plaintext"} 5
        ambient_sent_bytes_total{reporter="destination",source_workload="unknown",source_namespace="unknown",source_identity="unknown",{{Api}},destination_service="unknown",way="plain",protection="plaintext"} 99
        ambient_connections_opened_total{reporter="destination",source_workload="jobs",source_namespace="guarded",source_identity="spiffe://d/ns/guarded/sa/jobs",{{Api}},destination_service="unknown",{{Tunnel}}} 0
        """;

    private static EdgeReport Report => EdgeReport.Of([("n1", MetricsPage.Parse(Node1)), ("n2", MetricsPage.Parse(Node2))], [new("/run/n3.sock", "/run/n3.sock: there is no such socket.")]);

    [Fact]
    public void The_table_is_as_the_golden_file_has_it() => Golden("edges.txt", EdgeTable.Text(Report));

    [Fact]
    public void The_JSON_is_as_the_golden_file_has_it() => Golden("edges.json", JsonSerializer.Serialize(Report, EdgeJson.Default.EdgeReport) + "\n");

    [Fact]
    public void A_connection_that_both_ends_have_counted_is_one_and_one_that_only_its_destination_has_is_there_too()
    {
        Assert.Equal([("web", "shop/api", 12d), ("web", "", 2d), ("unknown", "", 5d)],
            Report.Edges.OrderByDescending(row => row.SourceWorkload).ThenByDescending(row => row.Service).Select(row => (row.SourceWorkload, row.Service, row.Opened)));
        Assert.Equal(14, EdgeReport.Of([("n2", MetricsPage.Parse(Node2))], []).Edges.Single(row => row.SourceWorkload == "web").Opened);
    }

    [Fact]
    public void Nodes_without_traffic_say_so() => Assert.Equal("No connection yet.\n", EdgeTable.Text(EdgeReport.Of([("n1", MetricsPage.Parse(""))], [])));

    private static void Golden(string name, string text, [CallerFilePath] string here = "")
    {
        var path = Path.Combine(Path.GetDirectoryName(here)!, "Golden", name);
        if (Environment.GetEnvironmentVariable("AMBIENT_REWRITE_GOLDEN") == "1") File.WriteAllText(path, text);
        Assert.Equal(File.ReadAllText(path), text);
    }
}
