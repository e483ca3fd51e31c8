using System.Text.Json.Nodes;
using Ambient.Cli.Cluster;

namespace Ambient.Cli.Deploy;

/// <summary>
/// Takes the mesh out of a cluster in the order in which nobody notices: first every pod leaves it and its connections drain, then
/// Redirector goes, which would keep the plugin installed, then the CNI plugin from every node, and last what is left. Rules that stay behind in a pod without a proxy would refuse its
/// connections, so it goes no further while a pod is captured.
/// </summary>
internal sealed class Uninstaller(ClusterClient cluster, TimeProvider time, TextWriter output)
{
    private const string EnrolLabel = "ambient.mesh/enroll", System = "/api/v1/namespaces/ambient-system", MeshNodes = "/apis/ambient.mesh/v1alpha1/meshnodes";
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    private static readonly string[] Captured = ["Preparing", "Captured", "Unproved", "Quiet"];

    /// <summary>Removes the label from every namespace and pod that has it.</summary>
    public async Task WithdrawAsync()
    {
        var selector = $"labelSelector={Uri.EscapeDataString($"{EnrolLabel}=true")}";
        foreach (var (kind, path) in ((string, string)[])[("Namespace", "/api/v1/namespaces"), ("Pod", "/api/v1/pods")])
        {
            foreach (var item in await cluster.ListAsync(path, selector))
            {
                var metadata = item["metadata"]!;
                var at = metadata["namespace"] is { } ns ? $"/api/v1/namespaces/{ns}/pods/{metadata["name"]}" : $"/api/v1/namespaces/{metadata["name"]}";
                await cluster.MergeAsync(at, new JsonObject { ["metadata"] = new JsonObject { ["labels"] = new JsonObject { [EnrolLabel] = null } } });
                output.WriteLine($"{kind} {(metadata["namespace"] is { } of ? $"{of}/" : "")}{metadata["name"]}: taken out of the mesh");
            }
        }
    }

    /// <summary>Waits until no node reports a captured pod.</summary>
    /// <exception cref="DeployException">One still does, and it is not to be passed over.</exception>
    public async Task AwaitReleaseAsync(TimeSpan atMost, bool isForced)
    {
        var began = time.GetTimestamp();
        IReadOnlyList<string> left;
        while ((left = await StillCapturedAsync()).Count > 0)
        {
            if (time.GetElapsedTime(began) > atMost)
            {
                if (!isForced)
                    throw new DeployException($"after {atMost.TotalSeconds:0} s these are still captured:\n{string.Join('\n', left)}\nSee ambientctl check --cluster. --force goes on, and their connections are refused until they are restarted.");
                output.WriteLine($"going on although these are still captured:\n{string.Join('\n', left)}");
                return;
            }
            await Task.Delay(Pause, time);
        }
        output.WriteLine("no pod is captured");
    }

    /// <summary>Ends Redirector, then runs the plugin's own removal on every node, as root without a capability, and waits for it.</summary>
    /// <returns>Nodes where it did not come about, with the reason.</returns>
    public async Task<IReadOnlyList<string>> RemovePluginAsync(TimeSpan atMost)
    {
        const string Set = "/apis/apps/v1/namespaces/ambient-system/daemonsets/ambient-redirector";
        // As it was installed: image, mounts and rights of the init container that put it there. An uninstallation that was broken off may
        // have taken the DaemonSet already; its account goes last.
        var set = await cluster.FindAsync(Set);
        if (set is null && await cluster.FindAsync($"{System}/serviceaccounts/ambient-redirector") is null) return [];
        set ??= YamlTree.Read(Chart.Whole(Chart.Defaults, "")).Cast<JsonObject>().Single(o => (string?)o["kind"] == "DaemonSet" && (string?)o["metadata"]!["name"] == "ambient-redirector");
        if (await cluster.DeleteAsync(Set)) output.WriteLine("DaemonSet ambient-redirector: removed");
        var ending = time.GetTimestamp();
        while ((await cluster.ListAsync($"{System}/pods", $"labelSelector={Uri.EscapeDataString("app.kubernetes.io/name=ambient-redirector")}")).Count > 0)
        {
            if (time.GetElapsedTime(ending) > atMost) return [$"Redirector's pods have not ended within {atMost.TotalSeconds:0} s"];
            await Task.Delay(Pause, time);
        }
        var nodes = (await cluster.ListAsync("/api/v1/nodes", $"labelSelector={Uri.EscapeDataString("kubernetes.io/os=linux")}")).Select(node => (string)node["metadata"]!["name"]!).ToList();
        var waiting = new List<string>();
        foreach (var node in nodes)
        {
            await cluster.ApplyAsync(RemovalPod.For(node, set), isDryRun: false, isForced: true);
            waiting.Add(node);
        }
        var failed = new List<string>();
        var began = time.GetTimestamp();
        while (waiting.Count > 0)
        {
            foreach (var pod in await cluster.ListAsync($"{System}/pods", $"labelSelector={Uri.EscapeDataString(RemovalPod.Label)}"))
            {
                var node = (string)pod["spec"]!["nodeName"]!;
                var phase = (string?)pod["status"]?["phase"];
                if (phase is not ("Succeeded" or "Failed") || !waiting.Remove(node)) continue;
                if (phase == "Failed") failed.Add($"{node}: {Rollout.LackOfPod(pod)}");
            }
            if (waiting.Count > 0 && time.GetElapsedTime(began) > atMost)
            {
                failed.AddRange(waiting.Select(node => $"{node}: it did not run within {atMost.TotalSeconds:0} s"));
                break;
            }
            if (waiting.Count > 0) await Task.Delay(Pause, time);
        }
        foreach (var node in nodes) await cluster.DeleteAsync($"{System}/pods/{RemovalPod.NameFor(node)}");
        output.WriteLine($"the CNI plugin is taken out of {nodes.Count - failed.Count} of {nodes.Count} nodes");
        return failed;
    }

    /// <summary>Deletes the objects of the manifest, last ones first.</summary>
    /// <param name="withDefinitions">The CRDs too, and with them every AccessPolicy of everybody.</param>
    /// <param name="withKeys">The namespace too, and with it the root key.</param>
    public async Task DeleteAsync(IReadOnlyList<JsonObject> objects, bool withDefinitions, bool withKeys)
    {
        foreach (var item in objects.Reverse())
        {
            var kind = (string)item["kind"]!;
            if ((kind == "CustomResourceDefinition" && !withDefinitions) || (kind == "Namespace" && !withKeys)) continue;
            if (await cluster.DeleteAsync(await cluster.PathAsync(item))) output.WriteLine($"{kind} {item["metadata"]!["name"]}: removed");
        }
        if (!withDefinitions)
        {
            await DeleteNodesAsync();
            output.WriteLine("The definitions of AccessPolicy, MeshConfig and MeshNode stay, with all policies and settings: --crds removes them.");
        }
        if (!withKeys) output.WriteLine("Namespace ambient-system stays, with the root key in it, so that a new installation is trusted: --keys removes it.");
    }

    // What the controllers wrote last would go on saying that a node is connected. Their rights went before: only one that is still
    // ending can bring one back, for as long as the API server remembers those.
    private async Task DeleteNodesAsync()
    {
        foreach (var node in await cluster.ListAsync(MeshNodes)) await cluster.DeleteAsync($"{MeshNodes}/{node["metadata"]!["name"]}");
    }

    private async Task<IReadOnlyList<string>> StillCapturedAsync()
    {
        var left = new List<string>();
        foreach (var node in await cluster.ListAsync(MeshNodes))
        {
            var pods = (node["status"]?["pods"]?.AsArray() ?? []).Where(pod => Captured.Contains((string?)pod!["phase"])).ToList();
            if (pods.Count > 0) left.Add($"  node {node["metadata"]!["name"]}: {pods.Count} pods, {pods[0]!["uid"]} for one ({pods[0]!["phase"]})");
        }
        return left;
    }
}
