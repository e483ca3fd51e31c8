using System.Globalization;
using System.Text.Json.Nodes;
using Ambient.Cli.Cluster;

namespace Ambient.Cli.Deploy;

/// <summary>Whether what was applied runs.</summary>
internal static class Rollout
{
    /// <summary>What a Deployment or DaemonSet still waits for, for a person; empty if it runs as its spec says.</summary>
    public static string LackOf(JsonObject workload)
    {
        var (spec, status) = (workload["spec"]!, workload["status"]);
        if (Number(status, "observedGeneration") < Number(workload["metadata"], "generation")) return "the change has not been looked at yet";
        if ((string?)workload["kind"] == "DaemonSet")
        {
            var desired = Number(status, "desiredNumberScheduled");
            return Number(status, "updatedNumberScheduled") < desired ? $"{Number(status, "updatedNumberScheduled")} of {desired} nodes have the new pod"
                : Number(status, "numberAvailable") < desired ? $"{Number(status, "numberAvailable")} of {desired} nodes have a pod that is ready"
                : "";
        }
        var replicas = spec["replicas"] is null ? 1 : Number(spec, "replicas");
        return Number(status, "updatedReplicas") < replicas ? $"{Number(status, "updatedReplicas")} of {replicas} replicas are of the new template"
            : Number(status, "replicas") > replicas ? "replicas of before are still ending"
            : Number(status, "availableReplicas") < replicas ? $"{Number(status, "availableReplicas")} of {replicas} replicas are ready"
            : "";
    }

    /// <summary>Why a pod is not ready, for a person; empty if it is.</summary>
    public static string LackOfPod(JsonObject pod)
    {
        var statuses = ((string[])["initContainerStatuses", "containerStatuses"]).SelectMany(list => pod["status"]?[list]?.AsArray() ?? []);
        foreach (var container in statuses)
        {
            if (container!["state"]?["waiting"] is { } waiting && (string?)waiting["reason"] is not ("PodInitializing" or null))
                return $"{container["name"]}: {waiting["reason"]} {waiting["message"]}".TrimEnd();
            if (container["state"]?["terminated"] is { } ended && Number(ended, "exitCode") != 0) return $"{container["name"]}: ended with {ended["exitCode"]} {ended["message"]}".TrimEnd();
        }
        var conditions = pod["status"]?["conditions"]?.AsArray() ?? [];
        if (conditions.Any(c => (string?)c!["type"] == "Ready" && (string?)c["status"] == "True")) return "";
        return conditions.FirstOrDefault(c => (string?)c!["status"] == "False" && c["message"] is not null) is { } first ? $"{first["reason"]}: {first["message"]}" : "it has not started yet";
    }

    /// <summary>What to do about it, in a line; empty if that is not known.</summary>
    public static string MendOf(string lack) => lack switch
    {
        _ when lack.Contains("ErrImage", StringComparison.Ordinal) || lack.Contains("ImagePull", StringComparison.Ordinal) || lack.Contains("ErrImageNeverPull", StringComparison.Ordinal)
            => "Load the image on that node, or name one in a registry: --set image=... (docs/kubernetes.md, \"The image\").",
        _ when lack.Contains("ambient-trust", StringComparison.Ordinal) => "It waits for the controller, which makes that ConfigMap: see whether ambient-controller runs.",
        _ when lack.Contains("Unschedulable", StringComparison.Ordinal) => "kubectl describe the pod: the scheduler says what no node has.",
        _ when lack.Contains("forbidden", StringComparison.OrdinalIgnoreCase) => "An admission rule stands against it: allow ambient-system what docs/kubernetes.md lists.",
        _ => "",
    };

    /// <summary>All workloads of the mesh that are not as they should be, with the pods that are to blame.</summary>
    public static async Task<IReadOnlyList<string>> LacksAsync(ClusterClient cluster, IEnumerable<JsonObject> workloads)
    {
        var lacks = new List<string>();
        foreach (var workload in workloads)
        {
            var name = $"{workload["kind"]} {workload["metadata"]!["name"]}";
            var found = await cluster.FindAsync(await cluster.PathAsync(workload));
            var lack = found is null ? "it is not there" : LackOf(found);
            if (lack.Length == 0) continue;
            lacks.Add($"{name}: {lack}");
            var selector = string.Join(',', workload["spec"]!["selector"]!["matchLabels"]!.AsObject().Select(label => $"{label.Key}={label.Value}"));
            var pods = await cluster.ListAsync($"/api/v1/namespaces/{workload["metadata"]!["namespace"]}/pods", $"labelSelector={Uri.EscapeDataString(selector)}");
            foreach (var pod in pods.Select(pod => (Pod: pod, Lack: LackOfPod(pod))).Where(pod => pod.Lack.Length > 0).Take(5))
                lacks.Add($"  pod {pod.Pod["metadata"]!["name"]} on {(string?)pod.Pod["spec"]?["nodeName"] ?? "no node"}: {pod.Lack}{(MendOf(pod.Lack) is { Length: > 0 } mend ? $"\n    -> {mend}" : "")}");
        }
        return lacks;
    }

    internal static long Number(JsonNode? owner, string name) =>
        owner?[name] is { } value && long.TryParse(value.ToJsonString(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : 0;
}
