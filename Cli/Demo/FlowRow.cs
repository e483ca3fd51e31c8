using System.Collections.Immutable;
using Ambient.Cli.App;
using Ambient.Cli.Lab;

namespace Ambient.Cli.Demo;

/// <summary>How the proxies say that a flow's connections travel.</summary>
internal sealed record WayUsed(string Way, string Protection, long Connections);

/// <summary>A row of the demo's table: numbers of the client, way and protection as the proxies count them.</summary>
internal sealed record FlowRow(FlowPlan Plan, ImmutableArray<WayUsed> Ways, LoadTally Tally, LoadTally Direct, double ConnectionsPerSecond, double BytesPerSecond)
{
    private const string Opened = "ambient_connections_opened_total";

    /// <summary>Connections that the proxies say they carried.</summary>
    public long Carried => Ways.Sum(way => way.Connections);

    /// <summary>Reads what the proxies have counted for a flow.</summary>
    /// <param name="metrics">Of all nodes.</param>
    public static ImmutableArray<WayUsed> WaysOf(FlowPlan plan, MetricsPage metrics)
    {
        // The client's node counts what a pod begins; what comes from outside only the server's node sees, and from whom it cannot know.
        bool IsOfFlow(MetricsSample sample) => plan.From is { } from
            ? sample.Label("reporter") == "source" && sample.Label("source_workload") == from.Workload && sample.Label("source_namespace") == from.Namespace
                && sample.Label("destination_workload") == plan.To.Workload && sample.Label("destination_namespace") == plan.To.Namespace
            : sample.Label("reporter") == "destination" && sample.Label("source_workload") == "unknown"
                && sample.Label("destination_workload") == plan.To.Workload && sample.Label("destination_namespace") == plan.To.Namespace;
        return
        [
            .. metrics.Of(Opened).Where(IsOfFlow).GroupBy(sample => (Way: sample.Label("way"), Protection: sample.Label("protection")))
                .Select(group => new WayUsed(group.Key.Way, group.Key.Protection, (long)group.Sum(sample => sample.Value)))
                .Where(way => way.Connections > 0).OrderByDescending(way => way.Connections),
        ];
    }

    /// <summary>What is wrong with the flow; null if nothing is.</summary>
    /// <param name="resetsAllowed">Connections that an incident of the demo has cut, which is stated with it.</param>
    /// <param name="countersLost">Whether a proxy was killed, and with it what it had counted.</param>
    public string? Problem(long resetsAllowed, bool countersLost)
    {
        var name = $"{Plan.FromName} -> {Plan.ToName}";
        if (Tally.Ok == 0) return $"{name}: no connection succeeded. {Tally.LastFailure}";
        if (Plan.From is null) return Tally.Failed > resetsAllowed ? $"{name}: {Tally.Failed} connections failed. {Tally.LastFailure}" : null;
        if (Tally.Failed > resetsAllowed) return $"{name}: {Tally.Failed} connections were not carried. {Tally.LastFailure}";
        if (!countersLost && Carried < Tally.Ok) return $"{name}: {Tally.Ok} connections succeeded, and the proxies have counted {Carried}";
        var wrong = Ways.Where(way => DemoPlan.IsCrossNode(Plan) ? way.Protection != "mutual_tls" : way.Protection == "plaintext").ToList();
        return wrong.Count > 0 ? $"{name}: {string.Join(", ", wrong.Select(way => $"{way.Connections} connections {way.Way} {way.Protection}"))}" : null;
    }
}
