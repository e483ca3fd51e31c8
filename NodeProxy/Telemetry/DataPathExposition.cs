using Ambient.Protocol.Model;

namespace Ambient.NodeProxy.Telemetry;

/// <summary>The families of the data path: the one place where their names, help and labels are declared.</summary>
internal static class DataPathExposition
{
    public static void Write(DataPathMetrics metrics, ExpositionWriter writer)
    {
        List<KeyValuePair<EdgeKey, EdgeTotals>> edges = metrics.MergedEdges();
        WriteEdges(writer, edges, "ambient_connections_opened_total", "counter", "Connections opened.", totals => totals.Opened);
        WriteEdges(writer, edges, "ambient_connections_closed_total", "counter", "Connections that have ended.", totals => totals.Closed);
        WriteEdges(writer, edges, "ambient_connections_open", "gauge", "Connections open now.", totals => totals.Open);
        WriteEdges(writer, edges, "ambient_sent_bytes_total", "counter", "Bytes from the source to the destination, whoever reports.", totals => totals.Sent);
        WriteEdges(writer, edges, "ambient_received_bytes_total", "counter", "Bytes from the destination to the source, whoever reports.", totals => totals.Received);
        WriteRefusals(metrics, writer);
        WriteProbes(metrics, writer);
        WriteDurations(metrics, writer);
        WriteHandshakes(metrics, writer);
    }

    private static void WriteEdges(
        ExpositionWriter writer, List<KeyValuePair<EdgeKey, EdgeTotals>> edges, string name, string type, string help, Func<EdgeTotals, long> value)
    {
        writer.Family(name, type, help);
        foreach ((EdgeKey key, EdgeTotals totals) in edges)
        {
            writer.Sample(
                name,
                [
                    ("reporter", Labels.Of(key.Reporter)),
                    ("source_workload", Labels.OrUnknown(key.SourceWorkload)),
                    ("source_namespace", Labels.OrUnknown(key.SourceNamespace)),
                    ("source_identity", Labels.OrUnknown(key.SourceIdentity)),
                    ("destination_workload", Labels.OrUnknown(key.DestinationWorkload)),
                    ("destination_namespace", Labels.OrUnknown(key.DestinationNamespace)),
                    ("destination_identity", Labels.OrUnknown(key.DestinationIdentity)),
                    ("destination_service", Labels.OrUnknown(key.Service)),
                    ("way", Labels.Of(key.Way)),
                    ("protection", Labels.Of(key.Protection)),
                ],
                value(totals));
        }
    }

    // Every reason is there from the start, at zero: a first refusal is then a rise that an alert can see.
    private static void WriteRefusals(DataPathMetrics metrics, ExpositionWriter writer)
    {
        const string Refusals = "ambient_refusals_total";
        writer.Family(Refusals, "counter", "Connections refused or cut, by reason.");
        foreach (Reporter reporter in Labels.Reporters)
        {
            foreach (RefusalReason reason in Labels.Reasons)
            {
                long count = metrics.Loops.Sum(loop => loop.RefusedCount(reporter, reason));
                writer.Sample(Refusals, [("reporter", Labels.Of(reporter)), ("reason", Labels.Of(reason))], count);
            }
        }
    }

    private static void WriteProbes(DataPathMetrics metrics, ExpositionWriter writer)
    {
        const string Probes = "ambient_probes_passed_total";
        writer.Family(Probes, "counter", "Probes of the pod's own node that passed STRICT in plaintext, as the pod's spec declares them. Of https_port_only nothing but the port is checked.");
        foreach (ProbeKind kind in Labels.ProbeKinds)
            writer.Sample(Probes, [("kind", Labels.Of(kind))], metrics.Loops.Sum(loop => loop.ProbesPassedCount(kind)));
    }

    private static void WriteDurations(DataPathMetrics metrics, ExpositionWriter writer)
    {
        const string Durations = "ambient_connection_duration_seconds";
        writer.Family(Durations, "histogram", "How long connections were open.");
        foreach (Reporter reporter in Labels.Reporters)
        {
            foreach (Way way in Labels.Ways)
                WriteHistogram(metrics, writer, Durations, [("reporter", Labels.Of(reporter)), ("way", Labels.Of(way))], loop => loop.Durations(reporter, way));
        }
    }

    private static void WriteHandshakes(DataPathMetrics metrics, ExpositionWriter writer)
    {
        const string Handshakes = "ambient_tls_handshake_duration_seconds";
        const string Failures = "ambient_tls_handshake_failures_total";
        writer.Family(Handshakes, "histogram", "How long TLS handshakes took whose peer was accepted.");
        foreach (bool client in (bool[])[false, true])
        {
            foreach (bool resumed in (bool[])[false, true])
                WriteHistogram(metrics, writer, Handshakes, [("side", Side(client)), ("resumed", resumed ? "true" : "false")], loop => loop.Handshakes(resumed, client));
        }
        writer.Family(Failures, "counter", "TLS handshakes that failed, or whose peer was not accepted, by reason.");
        foreach (bool client in (bool[])[false, true])
        {
            foreach (RefusalReason reason in Labels.Reasons)
            {
                long count = metrics.Loops.Sum(loop => loop.HandshakesFailedCount(client, reason));
                if (count > 0 || reason is RefusalReason.HandshakeFailed or RefusalReason.HandshakeTimedOut or RefusalReason.PeerUntrusted or RefusalReason.PeerIdentityUnexpected)
                    writer.Sample(Failures, [("side", Side(client)), ("reason", Labels.Of(reason))], count);
            }
        }
    }

    private static void WriteHistogram(
        DataPathMetrics metrics, ExpositionWriter writer, string name, ReadOnlySpan<(string Name, string Value)> labels, Func<LoopMetrics, LatencyHistogram> select)
    {
        double[] bounds = select(metrics.Loops[0]).UpperBounds;
        var counts = new long[bounds.Length + 1];
        double sum = 0;
        foreach (LoopMetrics loop in metrics.Loops)
            select(loop).AddTo(counts, ref sum);
        writer.Histogram(name, labels, bounds, counts, sum);
    }

    private static string Side(bool client) => client ? "client" : "server";
}
