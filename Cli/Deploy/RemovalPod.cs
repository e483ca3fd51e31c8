using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Ambient.Cli.Deploy;

/// <summary>A pod that takes the CNI plugin out of one node: the DaemonSet's own init container, with the opposite verb.</summary>
internal static class RemovalPod
{
    /// <summary>What all of them bear.</summary>
    public const string Label = "app.kubernetes.io/name=ambient-cni-remove";

    /// <summary>Names of nodes may be longer than a pod's may be.</summary>
    public static string NameFor(string node) => $"ambient-cni-remove-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(node)))[..16]}";

    /// <param name="set">The DaemonSet ambient-redirector, as it is in the cluster.</param>
    /// <exception cref="DeployException">It is not ours.</exception>
    public static JsonObject For(string node, JsonObject set)
    {
        var template = set["spec"]!["template"]!["spec"]!;
        var install = (template["initContainers"]?.AsArray() ?? []).FirstOrDefault(c => (string?)c!["name"] == "cni-install")?.DeepClone().AsObject()
            ?? throw new DeployException("DaemonSet ambient-redirector has no init container cni-install: take the plugin out of each node by ambient-cni uninstall");
        var mounts = install["volumeMounts"]!.AsArray().Select(m => (string)m!["name"]!).ToHashSet();
        install["name"] = "cni-remove";
        install["command"] = new JsonArray("/usr/bin/ambient-cni", "uninstall");
        return new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "Pod",
            ["metadata"] = new JsonObject
            {
                ["name"] = NameFor(node),
                ["namespace"] = "ambient-system",
                ["labels"] = new JsonObject { [Label.Split('=')[0]] = Label.Split('=')[1], ["app.kubernetes.io/part-of"] = "ambient" },
            },
            ["spec"] = new JsonObject
            {
                ["nodeName"] = node,
                ["restartPolicy"] = "OnFailure",
                ["serviceAccountName"] = "ambient-redirector",
                ["automountServiceAccountToken"] = false,
                ["enableServiceLinks"] = false,
                ["tolerations"] = template["tolerations"]!.DeepClone(),
                ["securityContext"] = template["securityContext"]!.DeepClone(),
                ["containers"] = new JsonArray(install),
                ["volumes"] = new JsonArray([.. template["volumes"]!.AsArray().Where(v => mounts.Contains((string)v!["name"]!)).Select(v => v!.DeepClone())]),
            },
        };
    }
}
