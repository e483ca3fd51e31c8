using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Ambient.Cli.Cluster;

namespace Ambient.Cli.Check.Cluster;

/// <summary>What the controller's own pages say: views that are late or refused, and what it could not read.</summary>
internal static class ControllerPages
{
    private const string Mend = "kubectl --namespace ambient-system port-forward deployment/ambient-controller 15011, then again with --controller http://127.0.0.1:15011";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    // A node that has not acked a view for so long is not merely busy.
    private const double LateSeconds = 10;

    public static async Task<IReadOnlyList<CheckResult>> CheckAsync(ClusterClient cluster, Uri? controller, TimeProvider time)
    {
        try
        {
            var pages = controller is null ? await ThroughServerAsync(cluster) : [await DirectlyAsync(controller, time)];
            return [JudgeViews([.. pages.Select(p => p.Nodes)]), JudgeLeftOut(pages[0].Workloads), JudgeWarnings(pages[0].Warnings)];
        }
        catch (Exception fault) when (fault is ClusterException or HttpRequestException or TaskCanceledException or JsonException)
        {
            return [CheckResult.CannotTell("controller's pages", fault.Message, Mend)];
        }
    }

    /// <param name="pages">One a replica; each knows its own nodes best.</param>
    internal static CheckResult JudgeViews(IReadOnlyList<JsonObject> pages)
    {
        const string Name = "views";
        var nodes = pages.SelectMany(p => p["nodes"]!.AsArray()).Where(n => (bool?)n!["connected"] == true).ToList();
        var refused = nodes.Where(n => (string?)n!["lastNack"] is { Length: > 0 }).Select(n => $"{n!["name"]} ({n["lastNack"]})").Distinct().ToList();
        if (refused.Count > 0) return CheckResult.Fail(Name, $"refused by {string.Join(", ", refused.Take(5))}", "These nodes serve by an older view: a node older than the controller may not understand it (see versions).");
        var late = nodes.Where(n => (double?)n!["unackedSeconds"] > LateSeconds).Select(n => $"{n!["name"]} ({(double)n["unackedSeconds"]!:0} s)").Distinct().ToList();
        return late.Count > 0
            ? CheckResult.Warn(Name, $"not acked for long by {string.Join(", ", late.Take(5))}", "See the load of these nodes, and the log of ambient-node there.")
            : CheckResult.Ok(Name, $"{nodes.Count} connections, none late");
    }

    /// <param name="page">Any page of workloads: the counts are of all of them.</param>
    internal static CheckResult JudgeLeftOut(JsonObject page)
    {
        const string Name = "pods left out";
        // A controller of an earlier version does not count them, and a pod that is starting is no trouble.
        var found = (page["leftOut"]?.AsArray() ?? []).Where(r => !((string)r!["reason"]!).EndsWith(" yet", StringComparison.Ordinal)).ToList();
        return found.Count == 0
            ? CheckResult.Ok(Name, "none whose labels ask for the mesh")
            : CheckResult.Warn(Name, $"labels ask for the mesh, and it cannot take them in: {string.Join(", ", found.Select(r => $"{r!["pods"]} ({r["reason"]})"))}",
                "They are reached, and call others, without the mesh. Label them ambient.mesh/enroll=false where that is meant; /v1/workloads of a controller names each.");
    }

    internal static CheckResult JudgeWarnings(JsonObject page)
    {
        string[] said = [.. ((string[])["faults", "warnings"]).SelectMany(list => page[list]?.AsArray() ?? []).Select(text => (string)text!)];
        return said.Length == 0
            ? CheckResult.Ok("warnings", "the controller has none")
            : CheckResult.Warn("warnings", string.Join("; ", said.Take(5)) + (said.Length > 5 ? $"; and {said.Length - 5} more" : ""), "Mend the objects that they name; a policy that is named denies until then.");
    }

    private static async Task<IReadOnlyList<(JsonObject Nodes, JsonObject Workloads, JsonObject Warnings)>> ThroughServerAsync(ClusterClient cluster)
    {
        var pods = await cluster.ListAsync("/api/v1/namespaces/ambient-system/pods", $"labelSelector={Uri.EscapeDataString("app.kubernetes.io/name=ambient-controller")}");
        var running = pods.Where(p => (string?)p["status"]?["phase"] == "Running").Select(p => (string)p["metadata"]!["name"]!).ToList();
        if (running.Count == 0) throw new ClusterException("no controller runs");
        var pages = new List<(JsonObject, JsonObject, JsonObject)>();
        foreach (var pod in running)
        {
            var proxy = $"/api/v1/namespaces/ambient-system/pods/{pod}:15011/proxy/v1";
            pages.Add((await cluster.GetAsync($"{proxy}/nodes"), await cluster.GetAsync($"{proxy}/workloads?limit=1"), await cluster.GetAsync($"{proxy}/warnings")));
        }
        return pages;
    }

    private static async Task<(JsonObject Nodes, JsonObject Workloads, JsonObject Warnings)> DirectlyAsync(Uri controller, TimeProvider time)
    {
        using var http = new HttpClient { BaseAddress = controller, Timeout = Timeout.InfiniteTimeSpan };
        using var timer = new CancellationTokenSource(Patience, time);
        async Task<JsonObject> GetAsync(string path) => await http.GetFromJsonAsync<JsonObject>(path, timer.Token) ?? throw new ClusterException($"{path}: no object");
        return (await GetAsync("/v1/nodes"), await GetAsync("/v1/workloads?limit=1"), await GetAsync("/v1/warnings"));
    }
}
