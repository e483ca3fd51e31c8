using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Ambient.Tests.Unit.Deploy;

/// <summary>What daemonset.yaml lets each container do. Every exception from "nothing" stands in these tests as it stands in docs/kubernetes.md.</summary>
public sealed partial class PodSecurityTests
{
    private static readonly string[] Privileged = ["ambient-redirector"];

    public static TheoryData<string> Containers => [.. Checkout.Containers().Select(c => c.Name)];

    [Theory]
    [MemberData(nameof(Containers))]
    public void A_container_gains_no_privilege_writes_no_root_and_has_no_capability_that_is_not_listed(string name)
    {
        var (_, pod, container) = Checkout.Containers().Single(c => c.Name == name);
        var security = container["securityContext"]!;
        Assert.False((bool)security["allowPrivilegeEscalation"]!);
        Assert.False((bool)security["privileged"]!);
        Assert.True((bool)security["readOnlyRootFilesystem"]!);
        Assert.Equal(["ALL"], Checkout.Texts(security["capabilities"]!["drop"]));
        Assert.Equal(name == "ambient-redirector/redirector" ? ["SYS_ADMIN", "NET_ADMIN", "SYS_PTRACE", "CHOWN"] : [], Checkout.Texts(security["capabilities"]!["add"]));
        Assert.Equal("RuntimeDefault", (string?)pod["securityContext"]!["seccompProfile"]!["type"]);
        Assert.Null(security["seccompProfile"]);
        // Redirector's would hold the buffers of all connections of the node: docs/decisions/0009-pod-shares.md.
        Assert.Equal(name != "ambient-redirector/redirector", container["resources"]!["limits"]?["memory"] is not null);
        Assert.NotNull(container["resources"]!["requests"]!["memory"]);
        Assert.DoesNotContain(container["ports"]?.AsArray() ?? [], port => port!["hostPort"] is not null);
    }

    [Fact]
    public void Only_Redirector_is_root_sees_the_processes_of_the_machine_and_has_more_than_its_socket_of_the_file_system()
    {
        foreach (var (name, pod) in Checkout.Pods())
        {
            bool isPrivileged = Privileged.Contains(name);
            var security = pod["securityContext"]!;
            Assert.Equal(isPrivileged, (bool?)pod["hostPID"] ?? false);
            Assert.False((bool?)pod["hostNetwork"] ?? false);
            Assert.False((bool?)pod["hostIPC"] ?? false);
            Assert.False((bool?)pod["enableServiceLinks"] ?? true);
            Assert.Equal(isPrivileged ? null : true, (bool?)security["runAsNonRoot"]);
            Assert.Equal(name switch { "ambient-node" => 64000, "ambient-controller" => 64001, _ => 0 }, (int)security["runAsUser"]!);
            Assert.Equal((int)security["runAsUser"]!, (int)security["runAsGroup"]!);
            Assert.Equal(name == "ambient-controller", (bool)pod["automountServiceAccountToken"]!);
            Assert.Equal(name switch
            {
                "ambient-controller" => [],
                "ambient-node" => ["/run/ambient"],
                _ => ["/run/ambient", "/var/lib/ambient", "/proc/sys/net", "/opt/cni/bin", "/etc/cni/net.d"],
            }, HostPaths(pod));
        }
    }

    [Fact]
    public void NodeProxy_may_only_read_its_mounts_but_one_in_memory()
    {
        var pod = Checkout.Pods().Single(p => p.Name == "ambient-node").Spec;
        var writable = pod["containers"]![0]!["volumeMounts"]!.AsArray().Where(m => (bool?)m!["readOnly"] != true).Select(m => (string)m!["name"]!);
        Assert.Equal("Memory", (string?)pod["volumes"]!.AsArray().Single(v => (string?)v!["name"] == Assert.Single(writable))!["emptyDir"]!["medium"]);
        var token = pod["volumes"]!.AsArray().Single(v => v!["projected"] is not null)!["projected"]!["sources"]![0]!["serviceAccountToken"]!;
        Assert.Equal("ambient.mesh/controller", (string?)token["audience"]);
        Assert.InRange((int)token["expirationSeconds"]!, 600, 3600);
    }

    [Fact]
    public void Each_DaemonSet_runs_on_every_node_and_is_replaced_by_a_surge()
    {
        foreach (var set in Checkout.Daemonset.Where(o => (string?)o["kind"] == "DaemonSet"))
        {
            var pod = set["spec"]!["template"]!["spec"]!;
            Assert.Equal("""[{"operator":"Exists"}]""", pod["tolerations"]!.ToJsonString());
            Assert.Equal("system-node-critical", (string?)pod["priorityClassName"]);
            Assert.Equal("""{"type":"RollingUpdate","rollingUpdate":{"maxSurge":1,"maxUnavailable":0}}""", set["spec"]!["updateStrategy"]!.ToJsonString());
        }
    }

    [Fact]
    public void A_NodeProxy_that_is_told_to_end_has_the_time_to_drain()
    {
        var pod = Checkout.Pods().Single(p => p.Name == "ambient-node").Spec;
        var drain = Checkout.Texts(pod["containers"]![0]!["args"]).Single(a => a.StartsWith("--drain-seconds=", StringComparison.Ordinal)).Split('=')[1];
        Assert.True((int)pod["terminationGracePeriodSeconds"]! >= int.Parse(drain, CultureInfo.InvariantCulture) + 5);
    }

    [Fact]
    public void Two_controllers_stand_apart_and_a_drain_takes_one_at_a_time()
    {
        var controller = Checkout.Find("Deployment", "ambient-controller");
        Assert.Equal(2, (int)controller["spec"]!["replicas"]!);
        var terms = controller["spec"]!["template"]!["spec"]!["affinity"]!["podAntiAffinity"]!["preferredDuringSchedulingIgnoredDuringExecution"]!.AsArray();
        Assert.Contains(terms, term => (string?)term!["podAffinityTerm"]!["topologyKey"] == "kubernetes.io/hostname");
        var budget = Checkout.Find("PodDisruptionBudget", "ambient-controller");
        Assert.Equal(1, (int)budget["spec"]!["maxUnavailable"]!);
        Assert.True(JsonNode.DeepEquals(budget["spec"]!["selector"], controller["spec"]!["selector"]));
    }

    [Fact]
    public void Each_workload_has_a_network_policy_and_none_but_the_controller_may_call_whom_it_likes()
    {
        var policies = Checkout.Daemonset.Where(o => (string?)o["kind"] == "NetworkPolicy").ToList();
        var workloads = Checkout.Daemonset.Where(o => (string?)o["kind"] is "Deployment" or "DaemonSet").ToList();
        Assert.Equal(3, workloads.Count);
        foreach (var workload in workloads)
        {
            var policy = Assert.Single(policies, p => JsonNode.DeepEquals(p["spec"]!["podSelector"], workload["spec"]!["selector"])
                && (string?)p["metadata"]!["namespace"] == (string?)workload["metadata"]!["namespace"]);
            // The API server is no pod, and has no address that a manifest could know.
            Assert.Equal((string?)workload["metadata"]!["name"] == "ambient-controller" ? ["Ingress"] : ["Ingress", "Egress"], Checkout.Texts(policy["spec"]!["policyTypes"]));
            Assert.All(policy["spec"]!["ingress"]?.AsArray() ?? [], rule => Assert.True(rule!["from"] is JsonArray { Count: > 0 } && rule["ports"] is JsonArray { Count: > 0 }));
        }
        // A rule of egress without `to` is to everybody: for DNS alone.
        var free = policies.SelectMany(p => p["spec"]!["egress"]?.AsArray() ?? []).Where(rule => rule!["to"] is null);
        Assert.Equal([53, 53, 5353, 5353], Assert.Single(free)!["ports"]!.AsArray().Select(port => (int)port!["port"]!));
    }

    [Fact]
    public void Removing_a_Helm_release_leaves_the_root_key_and_every_kind() =>
        Assert.All(Checkout.Daemonset.Where(o => (string?)o["kind"] is "Namespace" or "CustomResourceDefinition"),
            item => Assert.Equal("keep", (string?)item["metadata"]!["annotations"]?["helm.sh/resource-policy"]));

    [Fact]
    public void Every_security_setting_is_explained_by_a_comment()
    {
        var lines = Checkout.Read("daemonset.yaml").Split('\n');
        var silent = lines.Index().Where(line => Setting().IsMatch(line.Item)).Where(line => !IsExplained(lines, line.Index)).Select(line => $"line {line.Index + 1}: {line.Item.Trim()}");
        Assert.Empty(silent);
    }

    [Fact]
    public void Every_use_of_hostPID_hostPath_and_capability_is_in_the_table_of_the_docs()
    {
        var docs = Checkout.Read("docs/kubernetes.md").Split('\n').Where(line => line.StartsWith('|')).ToList();
        foreach (var (name, pod) in Checkout.Pods())
        {
            var uses = HostPaths(pod).Concat((bool?)pod["hostPID"] == true ? ["hostPID"] : []);
            foreach (var use in uses) Assert.Contains(docs, row => row.Contains($"`{name}", StringComparison.Ordinal) && row.Contains($"`{use}`", StringComparison.Ordinal));
        }
        foreach (var (name, _, container) in Checkout.Containers())
            foreach (var capability in Checkout.Texts(container["securityContext"]!["capabilities"]!["add"]))
                Assert.Contains(docs, row => row.Contains($"`{name}`", StringComparison.Ordinal) && row.Contains($"`{capability}`", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Containers))]
    public void A_containers_memory_is_in_the_table_of_the_docs(string name)
    {
        var resources = Checkout.Containers().Single(c => c.Name == name).Container["resources"]!;
        string has = $"| `{name}` | {resources["requests"]!["memory"]}, {(string?)resources["limits"]?["memory"] ?? "**none**"} |";
        Assert.Single(Checkout.Read("docs/kubernetes.md").Split('\n'), line => line.StartsWith(has, StringComparison.Ordinal));
    }

    // A comment above, or above the first of several such lines.
    private static bool IsExplained(string[] lines, int at)
    {
        for (int i = at - 1; i >= 0 && i >= at - 4; i--)
        {
            if (lines[i].TrimStart().StartsWith('#')) return true;
        }
        return false;
    }

    private static string[] HostPaths(JsonObject pod) => [.. (pod["volumes"]?.AsArray() ?? []).Select(v => (string?)v!["hostPath"]?["path"]).OfType<string>()];

    [GeneratedRegex("^ {6,12}(runAsNonRoot|seccompProfile|allowPrivilegeEscalation|readOnlyRootFilesystem|hostPID|appArmorProfile|capabilities:$|seLinuxOptions|automountServiceAccountToken|enableServiceLinks|priorityClassName|hostPath|- (SYS_|NET_|CHOWN)).*")]
    private static partial Regex Setting();
}
