namespace Ambient.Cli.Check.Cluster;

/// <summary>
/// Networks and their settings that capture does not get along with. One that rewrites the address in connect() hides services from rules in
/// the pod's namespace, and the mesh sees endpoints only: no balancing, no routes.
/// </summary>
internal static class CniChecks
{
    public static IEnumerable<CheckResult> Judge(CniFacts facts)
    {
        const string Name = "CNI";
        yield return facts.Plugins.Count > 0
            ? CheckResult.Ok(Name, string.Join(", ", facts.Plugins))
            // A plain bridge network has no DaemonSet (minikube's default, kubeadm with the reference plugins): nothing stands against it.
            : CheckResult.Warn(Name, "not known which: no network that is known here has a DaemonSet, and a plain bridge network has none", "The canary of each node tells whether capture works: see node readiness.");
        if (facts.Cilium is { } cilium)
        {
            string Of(string key) => ((string?)cilium[key] ?? "").ToLowerInvariant();
            bool rewrites = (Of("kube-proxy-replacement") is "true" or "strict" or "probe" || Of("bpf-lb-sock") == "true") && Of("bpf-lb-sock-hostns-only") != "true";
            yield return rewrites
                ? CheckResult.Fail("Cilium: socket load balancing", "it rewrites service addresses in connect(), before any rule of a pod sees them",
                    "Helm: --set socketLB.hostNamespaceOnly=true (cilium-config: bpf-lb-sock-hostns-only: \"true\"), then restart Cilium's agents.")
                : CheckResult.Ok("Cilium: socket load balancing", "pods see service addresses");
            // The default of the agent is to be alone.
            yield return Of("cni-exclusive") is "false"
                ? CheckResult.Ok("Cilium: other plugins", "allowed")
                : CheckResult.Fail("Cilium: other plugins", "it renames every other CNI configuration away (cni-exclusive)", "Helm: --set cni.exclusive=false (cilium-config: cni-exclusive: \"false\").");
            if (Of("enable-ipv4-masquerade") == "true" && Of("enable-bpf-masquerade") == "true")
                yield return CheckResult.Ok("Cilium: masquerade", "by eBPF, which leaves traffic between pods alone");
        }
        if (facts.Felix?["spec"] is { } felix && (bool?)felix["bpfEnabled"] == true)
        {
            var way = (string?)felix["bpfConnectTimeLoadBalancing"] ?? ((bool?)felix["bpfConnectTimeLoadBalancingEnabled"] == false ? "Disabled" : "TCP");
            yield return way == "Disabled"
                ? CheckResult.Ok("Calico: eBPF", "pods see service addresses")
                : CheckResult.Fail("Calico: eBPF", $"bpfConnectTimeLoadBalancing is {way}: it rewrites service addresses in connect(), before any rule of a pod sees them",
                    "kubectl patch felixconfiguration default --type merge -p '{\"spec\":{\"bpfConnectTimeLoadBalancing\":\"Disabled\",\"bpfHostNetworkedNATWithoutCTLB\":\"Enabled\"}}'");
        }
        if (facts.OtherMesh.Count > 0)
            yield return CheckResult.Fail("another mesh", $"Istio's ambient mode takes in {string.Join(", ", facts.OtherMesh)} too", "One mesh a namespace: remove the label istio.io/dataplane-mode or ambient.mesh/enroll.");
    }
}
