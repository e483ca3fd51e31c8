using Ambient.Controller.Snapshots;
using Ambient.Controller.Streams;
using Ambient.Protocol.Mesh.V1;
using Prometheus;

namespace Ambient.Controller;

/// <summary>All metrics of the controller, in a registry of its own: two in one process (tests) do not share counts.</summary>
internal sealed class ControllerMetrics
{
    private readonly CollectorRegistry _registry = Metrics.NewCustomRegistry();
    private readonly Counter _deltas;
    private readonly Counter _deltaBytes;
    private readonly Gauge _version;
    private readonly Gauge _nodes;
    private readonly Gauge _pods;
    private readonly Gauge _faults;

    internal ControllerMetrics()
    {
        var metrics = Metrics.WithCustomRegistry(_registry);
        CertificatesIssued = metrics.CreateCounter("ambient_controller_certificates_issued_total", "Workload certificates signed.");
        CertificatesRefused = metrics.CreateCounter("ambient_controller_certificates_refused_total", "Certificate requests refused.");
        StreamsRefused = metrics.CreateCounter("ambient_controller_streams_refused_total", "Node streams refused before they began.");
        Nacks = metrics.CreateCounter("ambient_controller_nacks_total", "Views that a node refused.");
        _deltas = metrics.CreateCounter("ambient_controller_deltas_sent_total", "Views and changes sent to nodes.", "form");
        _deltaBytes = metrics.CreateCounter("ambient_controller_delta_sent_bytes_total", "Bytes of views and changes sent to nodes.");
        _version = metrics.CreateGauge("ambient_controller_view_version", "Version of the view that nodes are told.");
        _nodes = metrics.CreateGauge("ambient_controller_nodes_connected", "Nodes with a stream.");
        _pods = metrics.CreateGauge("ambient_controller_pods", "Pods by how far their enrolment is.", "state");
        _faults = metrics.CreateGauge("ambient_controller_source_faults", "Files of the source that are broken.");
    }

    internal Counter CertificatesIssued { get; }

    internal Counter CertificatesRefused { get; }

    internal Counter StreamsRefused { get; }

    internal Counter Nacks { get; }

    internal void DeltaSent(EncodedDelta delta)
    {
        _deltas.WithLabels(delta.IsFull ? "full" : "change").Inc();
        _deltaBytes.Inc(delta.Bytes);
    }

    internal void SourceFaults(int faults) => _faults.Set(faults);

    /// <summary>Writes the exposition, gauges brought up to date.</summary>
    internal Task WriteAsync(Overview overview, Stream into, CancellationToken cancellation)
    {
        _version.Set(overview.Version);
        _nodes.Set(overview.Sessions.Length);
        var all = overview.Model?.Pods.Count ?? 0;
        var counted = overview.Pods.Values.CountBy(p => p.State).ToDictionary();
        _pods.WithLabels("none").Set(all - overview.Pods.Count);
        _pods.WithLabels("enrolling").Set(counted.GetValueOrDefault(EnrolmentState.Enrolling));
        _pods.WithLabels("enrolled").Set(counted.GetValueOrDefault(EnrolmentState.Enrolled));
        _pods.WithLabels("withdrawing").Set(counted.GetValueOrDefault(EnrolmentState.Withdrawing));
        return _registry.CollectAndExportAsTextAsync(into, cancellation);
    }
}
