using System.Buffers;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text;
using Ambient.NodeProxy.Telemetry;
using Microsoft.Extensions.Time.Testing;

namespace Ambient.Tests.Unit.Telemetry;

public sealed class NodeMetricsTests
{
    [Fact]
    public void The_exposition_is_as_the_golden_file_has_it()
    {
        string text = Exposition();
        ExpositionCheck.Read(text);
        string golden = GoldenPath();
        if (Environment.GetEnvironmentVariable("AMBIENT_REWRITE_GOLDEN") == "1")
            File.WriteAllText(golden, text);
        Assert.True(File.ReadAllText(golden) == text, $"{golden} differs; to rewrite it run this test with AMBIENT_REWRITE_GOLDEN=1 and review the difference:\n{text}");
    }

    [Fact]
    public async Task The_exposition_satisfies_promtool()
    {
        string? promtool = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Select(folder => Path.Combine(folder, "promtool")).FirstOrDefault(File.Exists);
        Assert.SkipWhen(promtool is null, "promtool is not installed");
        using Process check = Process.Start(new ProcessStartInfo(promtool, ["check", "metrics"])
        {
            RedirectStandardInput = true,
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        })!;
        await check.StandardInput.WriteAsync(Exposition());
        check.StandardInput.Close();
        string said = await check.StandardOutput.ReadToEndAsync() + await check.StandardError.ReadToEndAsync();
        await check.WaitForExitAsync();
        Assert.True(check.ExitCode == 0, said);
    }

    [Fact]
    public void Whatever_redirector_calls_its_counters_the_answer_stays_readable()
    {
        var metrics = new NodeMetrics(new DataPathMetrics(1), () => Gauges(1));
        metrics.SetRedirectorCounters(new Dictionary<string, double>
        {
            ["a{b=\"c\"}\n"] = 1,
            ["a_b__c____"] = 2,
            ["orders_refused_total"] = double.NaN,
            [""] = double.PositiveInfinity,
        });
        Dictionary<string, double> samples = ExpositionCheck.Read(Text(metrics));
        Assert.True(double.IsNaN(samples["ambient_redirector_orders_refused_total"]));
        Assert.Equal(1, samples["ambient_redirector_a_b__c___"]);
    }

    [Fact]
    public void Identities_beyond_the_limit_share_the_earliest_end()
    {
        Dictionary<string, double> samples = ExpositionCheck.Read(Text(new NodeMetrics(new DataPathMetrics(1), () => Gauges(NodeMetrics.MostCertificates + 20))));
        Assert.Equal(NodeMetrics.MostCertificates + 1, samples.Keys.Count(name => name.StartsWith("ambient_certificate_expiry", StringComparison.Ordinal)));
        Assert.Equal(1_800_000_000 + NodeMetrics.MostCertificates, samples["""ambient_certificate_expiry_timestamp_seconds{identity="other"}"""]);
    }

    [Fact]
    public void Pairs_beside_TCP_beyond_the_limit_share_one_sample_a_protocol()
    {
        var metrics = new NodeMetrics(new DataPathMetrics(1), () => Gauges(0));
        for (int i = 0; i < NonTcpMetrics.MostPairs + 50; i++)
            metrics.NonTcp.Add(new NonTcpKey(Reporter.Source, $"w{i}", "shop", "api", "shop", "udp"), 1, 10);
        Dictionary<string, double> samples = ExpositionCheck.Read(Text(metrics));
        Assert.Equal(NonTcpMetrics.MostPairs + 1, samples.Keys.Count(name => name.StartsWith("ambient_non_tcp_packets_total", StringComparison.Ordinal)));
        Assert.Equal(500, samples["""ambient_non_tcp_bytes_total{reporter="source",source_workload="other",source_namespace="other",destination_workload="other",destination_namespace="other",protocol="udp"}"""]);
    }

    private static NodeGauges Gauges(int certificates) => new(
        12, 3, true, 42, TimeSpan.FromSeconds(1.5),
        [.. Enumerable.Range(0, certificates).Select(i => KeyValuePair.Create($"spiffe://cluster.local/ns/shop/sa/w{i:D4}", DateTimeOffset.FromUnixTimeSeconds(1_800_000_000 + i)))]);

    private static string Exposition()
    {
        var dataPath = new DataPathMetrics(2, new FakeTimeProvider());
        for (int loop = 0; loop < 2; loop++)
        {
            EdgeMetrics edge = dataPath.ForLoop(loop).Edge(DataPathMetricsTests.Edge("api"));
            edge.Opened();
            edge.Sent(1_000);
            edge.Received(2_000_000);
            edge.Closed(0.25);
            dataPath.ForLoop(loop).Handshake(0.003, resumed: false, client: true);
        }
        dataPath.ForLoop(0).Edge(DataPathMetricsTests.Edge("cache") with { Service = "", Way = Way.Direct, Protection = Protection.InMemory }).Opened();
        dataPath.ForLoop(1).Refused(RefusalReason.UnknownAddress, Reporter.Source);
        dataPath.ForLoop(1).HandshakeFailed(RefusalReason.PeerIdentityUnexpected, client: true);
        var metrics = new NodeMetrics(dataPath, () => Gauges(2));
        metrics.SetRedirectorCounters(new Dictionary<string, double> { ["rules_mended_total"] = 2, ["pods"] = 3 });
        var dns = new NonTcpKey(Reporter.Source, "web", "shop", "dns", "kube-system", NonTcpMetrics.ProtocolName(17));
        metrics.NonTcp.Add(dns, 2, 150);
        metrics.NonTcp.Add(dns, 1, 75);
        metrics.NonTcp.Add(dns with { DestinationWorkload = "", DestinationNamespace = "", Protocol = NonTcpMetrics.ProtocolName(253) }, 1, 20);
        return Text(metrics);
    }

    private static string Text(NodeMetrics metrics)
    {
        var buffer = new ArrayBufferWriter<byte>();
        metrics.WriteExposition(buffer);
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static string GoldenPath([CallerFilePath] string here = "") => Path.Combine(Path.GetDirectoryName(here)!, "exposition.golden.txt");
}
