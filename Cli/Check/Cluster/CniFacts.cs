using System.Text.Json.Nodes;
using Ambient.Cli.Cluster;

namespace Ambient.Cli.Check.Cluster;

/// <summary>What the cluster says about its network.</summary>
/// <param name="Plugins">Names of DaemonSets that are a known network's.</param>
/// <param name="Cilium">Data of cilium-config, beside Cilium's DaemonSet; null if there is none.</param>
/// <param name="Felix">Calico's FelixConfiguration of name default; null if there is none.</param>
/// <param name="OtherMesh">Namespaces that this mesh and Istio's ambient mode both take in.</param>
internal sealed record CniFacts(IReadOnlyList<string> Plugins, JsonObject? Cilium, JsonObject? Felix, IReadOnlyList<string> OtherMesh)
{
    private static readonly string[] Known = ["cilium", "calico-node", "kube-flannel-ds", "kindnet", "aws-node", "azure-cni", "weave-net", "antrea-agent", "ovnkube-node", "kube-router", "canal"];

    public static async Task<CniFacts> ReadAsync(ClusterClient cluster)
    {
        var sets = await cluster.ListAsync("/apis/apps/v1/daemonsets");
        // Cilium is where its installation put it: kube-system mostly, cilium or something else at some providers.
        var home = (string?)sets.FirstOrDefault(s => (string?)s["metadata"]!["name"] == "cilium")?["metadata"]!["namespace"] ?? "kube-system";
        var namespaces = await cluster.ListAsync("/api/v1/namespaces", $"labelSelector={Uri.EscapeDataString("ambient.mesh/enroll=true,istio.io/dataplane-mode=ambient")}");
        return new CniFacts([.. sets.Select(s => (string)s["metadata"]!["name"]!).Where(name => Known.Contains(name)).Distinct()],
            (await cluster.FindAsync($"/api/v1/namespaces/{home}/configmaps/cilium-config"))?["data"]?.AsObject(),
            await cluster.FindAsync("/apis/crd.projectcalico.org/v1/felixconfigurations/default"),
            [.. namespaces.Select(n => (string)n["metadata"]!["name"]!)]);
    }
}
