using System.Buffers;
using System.Collections.Frozen;

namespace Ambient.NodeProxy.Telemetry;

/// <summary>All families of this node: the data path's, its gauges, and Redirector's counters, which has no port of its own.</summary>
/// <param name="dataPath">The loops' counters.</param>
/// <param name="gauges">Asked at every scrape, on the scrape's thread.</param>
public sealed class NodeMetrics(DataPathMetrics dataPath, Func<NodeGauges> gauges)
{
    /// <summary>Identities beyond this number share one sample, <c>other</c>, with the earliest end among them.</summary>
    public const int MostCertificates = 500;

    private const int MostRedirectorCounters = 200;

    private FrozenDictionary<string, double> _redirector = FrozenDictionary<string, double>.Empty;

    /// <summary>What passed pods beside TCP.</summary>
    public NonTcpMetrics NonTcp { get; } = new();

    /// <summary>Takes Redirector's counters as it last told them. Any thread.</summary>
    /// <param name="values">By name, without a prefix; a name that ends in <c>_total</c> is a counter, any other a gauge.</param>
    public void SetRedirectorCounters(IReadOnlyDictionary<string, double> values) =>
        Volatile.Write(ref _redirector, values.Take(MostRedirectorCounters).DistinctBy(v => NameOf(v.Key)).ToFrozenDictionary(v => NameOf(v.Key), v => v.Value));

    /// <summary>Writes all families in the text format 0.0.4, to be appended to what others wrote.</summary>
    public void WriteExposition(IBufferWriter<byte> to)
    {
        dataPath.WriteExposition(to);
        var writer = new ExpositionWriter(to);
        NodeGauges now = gauges();
        Gauge(writer, "ambient_node_open_connections", "Connections that this node carries now.", now.OpenConnections);
        Gauge(writer, "ambient_node_pods_captured", "Pods of this node whose rules are in force.", now.CapturedPods);
        Gauge(writer, "ambient_node_controller_connected", "1 while the stream to the controller is up.", now.IsControllerConnected ? 1 : 0);
        Gauge(writer, "ambient_node_view_version", "Version of the view in force.", now.ViewVersion);
        if (now.ViewAge is { } age)
            Gauge(writer, "ambient_node_view_age_seconds", "Time since the view in force came from a controller.", age.TotalSeconds);
        Gauge(writer, "ambient_node_descriptors_held", "Descriptors that connections hold.", now.DescriptorsHeld);
        Gauge(writer, "ambient_node_descriptors_allowed", "Descriptors that connections may hold before new ones are refused.", now.DescriptorsAllowed);
        Gauge(writer, "ambient_node_memory_short", "1 while new connections are refused because memory is short.", now.IsMemoryShort ? 1 : 0);
        writer.Family("ambient_accept_holds_total", "counter", "Times that a pod's new connections were left in the backlog because too many of it were being opened.");
        writer.Sample("ambient_accept_holds_total", [], now.AcceptHolds);
        writer.Family("ambient_loop_bugs_total", "counter", "Connections that were aborted because of a mistake of ours; the log has its stack.");
        writer.Sample("ambient_loop_bugs_total", [], now.LoopBugs);
        NonTcp.Write(writer);
        WriteCertificates(writer, now.Certificates);
        foreach ((string name, double value) in Volatile.Read(ref _redirector).OrderBy(v => v.Key, StringComparer.Ordinal))
        {
            writer.Family(name, name.EndsWith("_total", StringComparison.Ordinal) ? "counter" : "gauge", "Told by Redirector.");
            writer.Sample(name, [], value);
        }
    }

    private static void Gauge(ExpositionWriter writer, string name, string help, double value)
    {
        writer.Family(name, "gauge", help);
        writer.Sample(name, [], value);
    }

    private static void WriteCertificates(ExpositionWriter writer, IReadOnlyList<KeyValuePair<string, DateTimeOffset>> certificates)
    {
        const string Expiry = "ambient_certificate_expiry_timestamp_seconds";
        writer.Family(Expiry, "gauge", "When the certificate of an identity ends, in Unix time.");
        foreach ((string identity, DateTimeOffset end) in certificates.OrderBy(c => c.Key, StringComparer.Ordinal).Take(MostCertificates))
            writer.Sample(Expiry, [("identity", identity)], end.ToUnixTimeSeconds());
        if (certificates.Count > MostCertificates)
        {
            DateTimeOffset earliest = certificates.OrderBy(c => c.Key, StringComparer.Ordinal).Skip(MostCertificates).Min(c => c.Value);
            writer.Sample(Expiry, [("identity", "other")], earliest.ToUnixTimeSeconds());
        }
    }

    // Redirector is another process: whatever it calls its counters, the answer stays readable.
    private static string NameOf(string name) => "ambient_redirector_" + string.Concat(name.Take(80).Select(c => char.IsAsciiLetterOrDigit(c) ? char.ToLowerInvariant(c) : '_'));
}
