using Ambient.Controller.Kubernetes;
using Ambient.Controller.Kubernetes.Following;
using Prometheus;

namespace Ambient.Controller;

/// <summary>
/// How the Kubernetes API is followed, by kind. The only label is the kind, of which there are some twenty: a label by namespace or by cause
/// would have values without end. Names: Prometheus documentation, "Metric and label naming"; a time is told as such and not as an age, by
/// "Instrumentation".
/// </summary>
internal sealed class SourceMetrics
{
    private const string Label = "kind";

    private readonly Gauge _objects;
    private readonly Gauge _heardAt;
    private readonly Counter _events;
    private readonly Counter _watches;
    private readonly Counter _relists;
    private readonly Counter _failures;
    private readonly Counter _faults;
    private readonly Lock _lock = new();
    private readonly HashSet<string> _told = [];

    internal SourceMetrics(MetricFactory metrics)
    {
        _objects = metrics.CreateGauge("ambient_controller_source_objects", "Objects of the Kubernetes API that are held, by kind.", Label);
        _heardAt = metrics.CreateGauge("ambient_controller_source_last_heard_timestamp_seconds",
            "When the API server said something last of a kind: a list, an event, or a bookmark, which it sends about every minute.", Label);
        _events = metrics.CreateCounter("ambient_controller_source_events_total", "Events of watches.", Label);
        _watches = metrics.CreateCounter("ambient_controller_source_watches_total", "Watches that began. One ends by itself after 5 to 10 minutes.", Label);
        _relists = metrics.CreateCounter("ambient_controller_source_relists_total", "Kinds listed anew, since the server had forgotten the revision (410) or made no sense.", Label);
        _failures = metrics.CreateCounter("ambient_controller_source_failures_total", "Lists and watches that were refused or broke off.", Label);
        _faults = metrics.CreateCounter("ambient_controller_source_decode_faults_total", "Objects that came and could not be read; their last good version stays.", Label);
    }

    /// <summary>Brings all up to date.</summary>
    internal void Take(IReadOnlyCollection<KindFigures> kinds)
    {
        lock (_lock)
        {
            foreach (var gone in _told.Except(kinds.Select(kind => kind.Kind)).ToList())
            {
                _objects.RemoveLabelled(gone);
                _heardAt.RemoveLabelled(gone);
                _told.Remove(gone);
            }
            foreach (var kind in kinds)
                TakeLocked(kind.Kind, kind.Objects, kind.Tally);
        }
    }

    private void TakeLocked(string kind, int objects, FollowTally tally)
    {
        _told.Add(kind);
        _objects.WithLabels(kind).Set(objects);
        if (tally.HeardAt is { } at)
            _heardAt.WithLabels(kind).Set(at.ToUnixTimeMilliseconds() / 1000.0);
        _events.WithLabels(kind).IncTo(tally.Events);
        _watches.WithLabels(kind).IncTo(tally.Watches);
        _relists.WithLabels(kind).IncTo(tally.Relists);
        _failures.WithLabels(kind).IncTo(tally.Failures);
        _faults.WithLabels(kind).IncTo(tally.DecodeFaults);
    }
}
