using System.Net;
using System.Text.Json.Nodes;

namespace Ambient.Cli.Check.Cluster;

/// <summary>What of the mesh is there: whether it agrees with itself, and every node's readiness.</summary>
internal static class MeshChecks
{
    private const string NotReadyTaint = "ambient.mesh/not-ready";
    private const int NodesNamed = 10;

    /// <summary>Whether all pods of the mesh are of one image.</summary>
    public static CheckResult Images(IReadOnlyList<JsonObject> pods)
    {
        var images = pods.Where(p => p["metadata"]!["deletionTimestamp"] is null && (string?)p["metadata"]!["labels"]?["app.kubernetes.io/part-of"] == "ambient")
            .SelectMany(p => p["spec"]!["containers"]!.AsArray()).GroupBy(c => (string)c!["image"]!).Select(same => $"{same.Key} ({same.Count()} pods)").ToList();
        return images.Count switch
        {
            0 => CheckResult.Warn("versions", "no pod of the mesh is there", "ambientctl install"),
            1 => CheckResult.Ok("versions", images[0]),
            _ => CheckResult.Warn("versions", string.Join(", ", images), "While a new version rolls out this is as it should be; afterwards see kubectl rollout status."),
        };
    }

    /// <summary>Whether the mesh knows its ranges: an unknown address outside them is dialled in the clear.</summary>
    public static CheckResult Settings(IReadOnlyList<JsonObject> configs, IReadOnlyList<JsonObject> nodes)
    {
        const string Name = "settings";
        var wanted = nodes.SelectMany(n => (n["spec"]?["podCIDRs"]?.AsArray() ?? []).Select(c => (string)c!)).Distinct().ToList();
        var config = configs.OrderBy(c => (string)c["metadata"]!["name"]!, StringComparer.Ordinal).FirstOrDefault();
        var ranges = Ranges(config, "podRanges");
        if (config is null || ranges.Count == 0 || Ranges(config, "serviceRanges").Count == 0)
        {
            return CheckResult.Warn(Name, config is null ? "there is no MeshConfig" : $"MeshConfig {config["metadata"]!["name"]} lacks podRanges or serviceRanges",
                $"Without the ranges an address that the mesh does not know is dialled in the clear. kubectl apply a MeshConfig with podRanges{(wanted.Count > 0 ? $" that cover {string.Join(", ", wanted.Take(4))}" : "")} and serviceRanges (docs/kubernetes.md).");
        }
        var uncovered = wanted.Where(w => IPNetwork.TryParse(w, out var pods) && !ranges.Any(r => r.PrefixLength <= pods.PrefixLength && r.BaseAddress.AddressFamily == pods.BaseAddress.AddressFamily && r.Contains(pods.BaseAddress))).ToList();
        return uncovered.Count > 0
            ? CheckResult.Warn(Name, $"podRanges of MeshConfig {config["metadata"]!["name"]} do not cover pods of nodes: {string.Join(", ", uncovered.Take(4))}", "Add them: an address outside the ranges that the mesh does not know is dialled in the clear.")
            : configs.Count > 1
                ? CheckResult.Warn(Name, $"{configs.Count} MeshConfigs; the first one counts", "Keep one.")
                : CheckResult.Ok(Name, $"MeshConfig {config["metadata"]!["name"]}, mode {(string?)config["spec"]?["mode"] ?? "PERMISSIVE"}");
    }

    /// <summary>Whether each node serves, by what the controller knows of it.</summary>
    /// <param name="meshNodes">Objects MeshNode.</param>
    public static IEnumerable<CheckResult> Nodes(IReadOnlyList<JsonObject> nodes, IReadOnlyList<JsonObject> meshNodes)
    {
        var known = meshNodes.ToDictionary(n => (string)n["metadata"]!["name"]!, n => n["status"]);
        var faults = new List<(string Node, string Lack, string Mend)>();
        foreach (var node in nodes.Where(n => (string?)n["metadata"]!["labels"]?["kubernetes.io/os"] is "linux" or null))
        {
            var name = (string)node["metadata"]!["name"]!;
            if (LackOf(known.GetValueOrDefault(name)) is var (lack, mend)) faults.Add((name, lack, mend));
            else if (!(node["spec"]?["taints"]?.AsArray() ?? []).Any(t => (string?)t!["key"] == NotReadyTaint)) continue;
            else if (known[name]!["health"] is { } health && (string?)health["state"] is "Unknown")
                faults.Add((name, $"nothing proves that its redirection works, so that its taint {NotReadyTaint} stays: {health["detail"]}", "--set redirector.canaryService=ADDRESS:PORT, the address of any Service."));
            else
                faults.Add((name, $"it is ready, and its taint {NotReadyTaint} is still there", "The controller removes it: see its log for what it may not do."));
        }
        if (faults.Count == 0) yield return CheckResult.Ok("node readiness", $"{nodes.Count} nodes");
        foreach (var fault in faults.Take(NodesNamed)) yield return CheckResult.Fail($"node {fault.Node}", fault.Lack, fault.Mend);
        if (faults.Count > NodesNamed) yield return CheckResult.Fail("node readiness", $"and {faults.Count - NodesNamed} more nodes", "kubectl get meshnodes");
    }

    private static (string Lack, string Mend)? LackOf(JsonNode? status)
    {
        const string Logs = "kubectl --namespace ambient-system logs daemonset/ambient-node (and ambient-redirector), for the pod of that node";
        if (status is null) return ("it has never been connected to a controller", "See whether the pods of ambient-node and ambient-redirector run there: kubectl --namespace ambient-system get pods --output wide");
        if ((bool?)status["connected"] != true) return ($"it is not connected; replica {status["replica"]} saw it last", Logs);
        if ((string?)status["lastNack"] is { Length: > 0 } nack) return ($"it refused the newest view: {nack}", "A node older than the controller may not understand it: see versions.");
        if (status["health"] is { } health && (string?)health["state"] is not ("Ready" or "Unknown"))
            return ($"degraded: {health["reason"]}{((string?)health["detail"] is { Length: > 0 } detail ? $", {detail}" : "")}", ((string?)health["reason"] ?? "").Contains("ServiceAddressHidden", StringComparison.Ordinal) ? "See CNI above: it rewrites connect()." : Logs);
        return null;
    }

    private static List<IPNetwork> Ranges(JsonObject? config, string name) =>
        [.. (config?["spec"]?[name]?.AsArray() ?? []).Select(r => IPNetwork.TryParse((string?)r ?? "", out var range) ? range : (IPNetwork?)null).OfType<IPNetwork>()];
}
