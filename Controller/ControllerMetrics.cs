using Ambient.Controller.Authority;
using Ambient.Controller.Kubernetes;
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
    private readonly Gauge _warnings;
    private readonly Gauge _unacked;
    private readonly Gauge _behind;
    private readonly Histogram _ackSeconds;
    private readonly SourceMetrics _source;
    private readonly Counter _certificatesRefused;
    private readonly Counter _streamsRefused;

    internal ControllerMetrics()
    {
        var metrics = Metrics.WithCustomRegistry(_registry);
        CertificatesIssued = metrics.CreateCounter("ambient_controller_certificates_issued_total", "Workload certificates signed.");
        _certificatesRefused = metrics.CreateCounter("ambient_controller_certificates_refused_total", "Certificate requests refused, by reason.", "reason");
        _streamsRefused = metrics.CreateCounter(
            "ambient_controller_streams_refused_total", "Node streams refused, or ended for what the node said, by reason.", "reason");
        // All reasons from the start, at zero: a first refusal is then a rise that an alert can see.
        foreach (var reason in Enum.GetValues<CertificateRefusal>().Where(r => r != CertificateRefusal.None)) _certificatesRefused.WithLabels(NameOf(reason));
        foreach (var reason in Enum.GetValues<StreamRefusal>()) _streamsRefused.WithLabels(NameOf(reason));
        CertificateProblems = metrics.CreateCounter(
            "ambient_controller_certificate_problems_total", "Certificates that a node got and could not use, by its own word: often its clock.");
        Nacks = metrics.CreateCounter("ambient_controller_nacks_total", "Views that a node refused.");
        _deltas = metrics.CreateCounter("ambient_controller_deltas_sent_total", "Views and changes sent to nodes.", "form");
        _deltaBytes = metrics.CreateCounter("ambient_controller_delta_sent_bytes_total", "Bytes of views and changes sent to nodes.");
        _version = metrics.CreateGauge("ambient_controller_view_version", "Version of the view that nodes are told.");
        _nodes = metrics.CreateGauge("ambient_controller_nodes_connected", "Nodes with a stream.");
        _pods = metrics.CreateGauge("ambient_controller_pods", "Pods by how far their enrolment is.", "state");
        _faults = metrics.CreateGauge("ambient_controller_source_faults", "Files of the source that are broken.");
        _warnings = metrics.CreateGauge("ambient_controller_model_warnings", "Things that the source says and that make no sense together.");
        _unacked = metrics.CreateGauge("ambient_controller_oldest_unacked_seconds", "Since when the slowest node owes an answer to a view; 0 if none does.");
        _behind = metrics.CreateGauge("ambient_controller_nodes_behind", "Nodes with a stream that have not acked the newest version.");
        _ackSeconds = metrics.CreateHistogram("ambient_controller_ack_seconds", "From when a view or change was sent until its node acked it; the count is that of acks.",
            new HistogramConfiguration { Buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] });
        _source = new SourceMetrics(metrics);
    }

    internal Counter CertificatesIssued { get; }

    internal Counter Nacks { get; }

    internal Counter CertificateProblems { get; }

    /// <summary>What the Kubernetes API is asked and says; nothing where that is not the source.</summary>
    internal Func<IReadOnlyCollection<KindFigures>> Kinds { get; set; } = () => [];

    /// <param name="after">Of the clock, which may have been set back meanwhile.</param>
    internal void Acked(TimeSpan after) => _ackSeconds.Observe(Math.Max(0, after.TotalSeconds));

    internal void DeltaSent(EncodedDelta delta)
    {
        _deltas.WithLabels(delta.IsFull ? "full" : "change").Inc();
        _deltaBytes.Inc(delta.Bytes);
    }

    internal void CertificateRefused(CertificateRefusal reason) => _certificatesRefused.WithLabels(NameOf(reason)).Inc();

    internal void StreamRefused(StreamRefusal reason) => _streamsRefused.WithLabels(NameOf(reason)).Inc();

    internal void SourceFaults(int faults) => _faults.Set(faults);

    internal void ModelWarnings(int warnings) => _warnings.Set(warnings);

    /// <summary>Writes the exposition, gauges brought up to date.</summary>
    internal Task WriteAsync(Overview overview, DateTimeOffset now, Stream into, CancellationToken cancellation)
    {
        _unacked.Set(overview.Sessions.Select(s => s.OutstandingSince is { } since ? (now - since).TotalSeconds : 0).DefaultIfEmpty(0).Max());
        _version.Set(overview.Version);
        _nodes.Set(overview.Sessions.Length);
        _behind.Set(overview.Sessions.Count(s => s.AckedVersion < overview.Version));
        _source.Take(Kinds());
        var all = overview.Model?.Pods.Count ?? 0;
        var counted = overview.Pods.Values.CountBy(p => p.State).ToDictionary();
        _pods.WithLabels("none").Set(all - overview.Pods.Count);
        _pods.WithLabels("enrolling").Set(counted.GetValueOrDefault(EnrolmentState.Enrolling));
        _pods.WithLabels("enrolled").Set(counted.GetValueOrDefault(EnrolmentState.Enrolled));
        _pods.WithLabels("withdrawing").Set(counted.GetValueOrDefault(EnrolmentState.Withdrawing));
        return _registry.CollectAndExportAsTextAsync(into, cancellation);
    }

    // The switches are complete, so that a new member cannot go unnamed.
    private static string NameOf(CertificateRefusal reason) => reason switch
    {
        CertificateRefusal.None => "none",
        CertificateRefusal.TooOften => "too_often",
        CertificateRefusal.BadRequest => "bad_request",
        CertificateRefusal.NotTheirs => "not_theirs",
        CertificateRefusal.AuthorityExpired => "authority_expired",
    };

    private static string NameOf(StreamRefusal reason) => reason switch
    {
        StreamRefusal.BadToken => "bad_token",
        StreamRefusal.ExpiredToken => "expired_token",
        StreamRefusal.Unreviewed => "unreviewed_token",
        StreamRefusal.OtherNode => "other_node",
        StreamRefusal.BadHello => "bad_hello",
        StreamRefusal.ProtocolVersion => "protocol_version",
        StreamRefusal.TooOften => "too_often",
        StreamRefusal.AddressShare => "address_share",
        StreamRefusal.Handshake => "handshake",
        StreamRefusal.BadMessage => "bad_message",
    };
}
