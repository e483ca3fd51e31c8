using System.Text.Json.Nodes;
using Ambient.Cli.Cluster;
using Ambient.Cli.Deploy;

namespace Ambient.Cli.Check.Cluster;

/// <summary>
/// All checks of a cluster, before and after the mesh is installed there; read-only. What a node's own machine says (nft, conntrack,
/// limits) is for <c>ambientctl check</c> on it, and for the node's canary, whose word is read here.
/// </summary>
internal static class ClusterCheck
{
    /// <summary>The words that a report ends with.</summary>
    public static readonly Verdicts Verdicts = new("The cluster can run Ambient, and what of it is there runs.",
        "Something in this cluster stands against Ambient: see FAILED.", "Nothing stands against Ambient here, but not everything could be looked at: see UNKNOWN.");

    /// <param name="controller">URL of a controller's admin pages; null to ask for them through the API server.</param>
    /// <exception cref="ClusterException">The API server cannot be reached at all.</exception>
    public static async Task<CheckReport> RunAsync(ClusterClient cluster, Uri? controller, TimeProvider time)
    {
        var results = new List<CheckResult>();
        var version = (string)(await cluster.GetAsync("/version"))["gitVersion"]!;
        results.Add(VersionChecks.Server(version));
        results.Add(ClockChecks.Here(cluster.ServerTime, time.GetUtcNow()));
        var nodes = await AddAsync(results, "nodes", () => cluster.ListAsync("/api/v1/nodes"));
        if (nodes is not null)
        {
            results.AddRange(VersionChecks.Nodes(nodes, version));
            if (await AddAsync(results, "clocks of nodes", () => cluster.ListAsync("/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases")) is { } leases)
                results.Add(ClockChecks.Nodes(leases, cluster.ServerTime ?? time.GetUtcNow()));
        }
        await AddAsync(results, "CNI", async () => { results.AddRange(CniChecks.Judge(await CniFacts.ReadAsync(cluster))); return true; });
        await AddAsync(results, "webhooks", async () =>
        {
            results.Add(WebhookChecks.Judge(
            [
                .. await cluster.ListAsync("/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"),
                .. await cluster.ListAsync("/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"),
            ]));
            return true;
        });
        await AddAsync(results, "kinds", async () => { results.AddRange(KindChecks.Judge(await cluster.ListAsync("/apis/apiextensions.k8s.io/v1/customresourcedefinitions"))); return true; });
        await AddAsync(results, "installation", async () =>
        {
            if (await cluster.FindAsync("/api/v1/namespaces/ambient-system") is not null) await AddMeshAsync(results, cluster, nodes ?? [], controller, time);
            else results.Add(CheckResult.Ok("installation", "none: what is above is about whether there can be one"));
            return true;
        });
        return new CheckReport(results);
    }

    private static async Task AddMeshAsync(List<CheckResult> results, ClusterClient cluster, IReadOnlyList<JsonObject> nodes, Uri? controller, TimeProvider time)
    {
        await AddAsync(results, "workloads", async () =>
        {
            var workloads = YamlTree.Read(Chart.Whole(Chart.Defaults, "")).Cast<JsonObject>().Where(o => (string?)o["kind"] is "Deployment" or "DaemonSet");
            var lacks = await Rollout.LacksAsync(cluster, workloads);
            results.Add(lacks.Count == 0
                ? CheckResult.Ok("workloads", "controller and both DaemonSets run as they should")
                : CheckResult.Fail("workloads", string.Join("; ", lacks.Select(lack => lack.Split('\n')[0].Trim())),
                    lacks.SelectMany(lack => lack.Split("-> ").Skip(1)).FirstOrDefault() ?? "kubectl --namespace ambient-system describe pods"));
            return true;
        });
        var pods = await AddAsync(results, "versions", () => cluster.ListAsync("/api/v1/namespaces/ambient-system/pods"));
        if (pods is not null) results.Add(MeshChecks.Images(pods));
        await AddAsync(results, "settings", async () =>
        {
            var configs = await cluster.ListAsync("/apis/ambient.mesh/v1alpha1/meshconfigs");
            results.Add(MeshChecks.Settings(configs, nodes, pods ?? [], await cluster.ListAsync("/api/v1/namespaces/ambient-system/services")));
            return true;
        });
        await AddAsync(results, "node readiness", async () =>
        {
            results.AddRange(MeshChecks.Nodes(nodes, await cluster.ListAsync("/apis/ambient.mesh/v1alpha1/meshnodes")));
            return true;
        });
        results.AddRange(await ControllerPages.CheckAsync(cluster, controller, time));
    }

    // What may not be read, or does not answer, is told as such, and the others are looked at all the same.
    private static async Task<T?> AddAsync<T>(List<CheckResult> results, string name, Func<Task<T>> look)
    {
        try
        {
            return await look();
        }
        catch (ClusterException fault)
        {
            results.Add(CheckResult.CannotTell(name, fault.Message, "Ask as somebody who may read it: --context, --kubeconfig."));
            return default;
        }
    }
}
