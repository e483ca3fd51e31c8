using System.Net;
using System.Text.Json.Nodes;
using Ambient.Protocol.Model;

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
    /// <param name="pods">Pods of all nodes, whose addresses show what blocks there are where Node objects name none: the mesh's own.</param>
    /// <param name="services">Services that have an address of each family which the cluster has.</param>
    public static CheckResult Settings(
        IReadOnlyList<JsonObject> configs, IReadOnlyList<JsonObject> nodes, IReadOnlyList<JsonObject> pods, IReadOnlyList<JsonObject> services)
    {
        const string Name = "settings";
        var blocks = nodes.SelectMany(n => Texts(n["spec"]?["podCIDRs"])).Distinct().ToList();
        var config = configs.OrderBy(c => (string)c["metadata"]!["name"]!, StringComparer.Ordinal).FirstOrDefault();
        List<IPNetwork> podRanges = Ranges(config, "podRanges"), serviceRanges = Ranges(config, "serviceRanges");
        if (config is null || podRanges.Count == 0 || serviceRanges.Count == 0)
        {
            return CheckResult.Warn(Name, config is null ? "there is no MeshConfig" : $"MeshConfig {config["metadata"]!["name"]} lacks podRanges or serviceRanges",
                $"Without the ranges an address that the mesh does not know is dialled in the clear. kubectl apply a MeshConfig with podRanges{(blocks.Count > 0 ? $" that cover {string.Join(", ", blocks.Take(4))}" : "")} and serviceRanges (docs/kubernetes.md).");
        }
        var ofPods = pods.Where(p => (bool?)p["spec"]?["hostNetwork"] != true).SelectMany(p => (p["status"]?["podIPs"]?.AsArray() ?? []).Select(a => (string?)a?["ip"] ?? ""));
        if (Uncovered([.. blocks, .. ofPods], podRanges) is { Length: > 0 } podsOutside) return Leaves("podRanges", "pods of nodes", podsOutside);
        if (Uncovered(services.SelectMany(s => Texts(s["spec"]?["clusterIPs"])), serviceRanges) is { Length: > 0 } servicesOutside) return Leaves("serviceRanges", "Services", servicesOutside);
        return configs.Count > 1
            ? CheckResult.Warn(Name, $"{configs.Count} MeshConfigs; the first one counts", "Keep one.")
            : CheckResult.Ok(Name, $"MeshConfig {config["metadata"]!["name"]}, mode {(string?)config["spec"]?["mode"] ?? "PERMISSIVE"}");

        CheckResult Leaves(string ranges, string whose, string which) => CheckResult.Warn(Name, $"{ranges} of MeshConfig {config["metadata"]!["name"]} do not cover {whose}: {which}",
            "Add them, of both families where the cluster has both: an address outside the ranges that the mesh does not know is dialled in the clear.");
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

    // Blocks, or addresses, which are blocks of one. What is neither (a headless Service's "None") asks for nothing.
    private static string Uncovered(IEnumerable<string> wanted, List<IPNetwork> ranges) => string.Join(", ", wanted.Distinct().Where(text =>
        (IPNetwork.TryParse(text, out var block) || (IPAddress.TryParse(text, out var address) && IPNetwork.TryParse($"{address}/{address.GetAddressBytes().Length * 8}", out block)))
        && !ranges.Any(r => r.PrefixLength <= block.PrefixLength && r.BaseAddress.AddressFamily == block.BaseAddress.AddressFamily && r.Contains(block.BaseAddress))).Take(4));

    private static IEnumerable<string> Texts(JsonNode? list) => (list?.AsArray() ?? []).Select(text => (string?)text ?? "");

    private static List<IPNetwork> Ranges(JsonObject? config, string name) =>
        [.. (config?["spec"]?[name]?.AsArray() ?? []).Select(r => AddressRanges.TryParse((string?)r ?? "", out var range) ? range : (IPNetwork?)null).OfType<IPNetwork>()];
}
