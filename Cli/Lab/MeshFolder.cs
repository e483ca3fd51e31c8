using System.Collections.Immutable;
using System.Text;

namespace Ambient.Cli.Lab;

/// <summary>The folder of YAML that the controller follows, and the changes that a user would make in it. One caller at a time.</summary>
internal sealed class MeshFolder
{
    private readonly LabPlan _plan;
    private readonly HashSet<string> _enrolled = [];
    private ImmutableArray<PodPlan> _pods;

    /// <summary>Writes the plan, with no namespace enrolled yet.</summary>
    public MeshFolder(LabPlan plan, string path)
    {
        (_plan, _pods, FolderPath) = (plan, plan.Pods, path);
        Directory.CreateDirectory(path);
        Write("mesh.yaml", $$"""
            apiVersion: ambient.mesh/v1alpha1
            kind: MeshConfig
            metadata: {name: mesh}
            spec:
              trustDomain: cluster.local
              podRanges: [10.244.0.0/16, "fd00:244::/32"]
              serviceRanges: [10.96.0.0/16, "fd00:96::/32"]
              mode: {{plan.Mode}}
              direct: true
              tunnelPort: {{plan.TunnelPort}}
              drainSeconds: {{plan.DrainSeconds}}

            """);
        Write("services.yaml", string.Concat(plan.Services.Select(ServiceYaml)));
        Write("policies.yaml", string.Concat(plan.NamespacesWithPolicy.Select(PolicyYaml)));
        Write("nodes.yaml", string.Concat(Enumerable.Range(1, plan.Nodes).Select(NodeYaml)));
        WritePods();
        WriteNamespaces();
    }

    /// <summary>Where it is.</summary>
    public string FolderPath { get; }

    /// <inheritdoc cref="LabPlan.CanaryService"/>
    public string? CanaryService => _plan.CanaryService;

    /// <inheritdoc cref="LabPlan.NodeDrainSeconds"/>
    public int NodeDrainSeconds => _plan.NodeDrainSeconds;

    /// <inheritdoc cref="LabPlan.NodeProxyPrograms"/>
    public ImmutableDictionary<int, string> NodeProxyPrograms => _plan.NodeProxyPrograms;

    /// <summary>Pods that the YAML names now.</summary>
    public ImmutableArray<PodPlan> Pods => _pods;

    /// <summary>Labels namespaces, so that their pods join the mesh.</summary>
    public void Enrol(params ReadOnlySpan<string> namespaces)
    {
        foreach (var name in namespaces) _enrolled.Add(name);
        WriteNamespaces();
    }

    /// <summary>Takes the label away again.</summary>
    public void Withdraw(params ReadOnlySpan<string> namespaces)
    {
        foreach (var name in namespaces) _enrolled.Remove(name);
        WriteNamespaces();
    }

    /// <summary>Adds a pod, or replaces the one of the same name.</summary>
    public void Put(PodPlan pod)
    {
        _pods = [.. _pods.Where(other => other.Name != pod.Name), pod];
        WritePods();
    }

    /// <summary>Writes a file beside those of the plan.</summary>
    /// <param name="file">Its name, with the ending <c>.yaml</c>; none of the plan's.</param>
    public void PutFile(string file, string text) => Write(file, text);

    /// <summary>Removes such a file.</summary>
    public void RemoveFile(string file) => File.Delete(Path.Combine(FolderPath, file));

    /// <summary>Removes a pod.</summary>
    public void Remove(PodPlan pod)
    {
        _pods = [.. _pods.Where(other => other.Name != pod.Name)];
        WritePods();
    }

    // Renamed into place, so that the controller reads the old file or the new one.
    private void Write(string file, string text)
    {
        var unfinished = Path.Combine(FolderPath, $".{file}.new");
        File.WriteAllText(unfinished, text);
        File.Move(unfinished, Path.Combine(FolderPath, file), overwrite: true);
    }

    private void WritePods() => Write("pods.yaml", string.Concat(_pods.Select(PodYaml)));

    private void WriteNamespaces() => Write("namespaces.yaml", string.Concat(_plan.Namespaces.Select(name => $$"""
        ---
        apiVersion: v1
        kind: Namespace
        metadata:
          name: {{name}}
          labels: {{{(_enrolled.Contains(name) ? "ambient.mesh/enroll: \"true\"" : "")}}}

        """)));

    // Every node is a zone of its own. As in a cluster, the address of its bridge, from which its own processes call its pods, is not said.
    private static string NodeYaml(int node) => $$"""
        ---
        apiVersion: v1
        kind: Node
        metadata:
          name: {{Topology.NodeNetwork(node)}}
          labels: {topology.kubernetes.io/zone: z{{node}}}
        status:
          addresses:
          - {type: InternalIP, address: {{Topology.NodeAddress(node)}}}

        """;

    private static string PodYaml(PodPlan pod)
    {
        var annotations = new StringBuilder();
        foreach (var (name, value) in pod.Annotations) annotations.Append($"\n    {name}: \"{value}\"");
        return $$"""
            ---
            apiVersion: v1
            kind: Pod
            metadata:
              name: {{pod.Name}}
              namespace: {{pod.Namespace}}
              uid: {{pod.Uid}}{{(pod.IsTerminating ? "\n  deletionTimestamp: \"2026-01-01T00:00:00Z\"" : "")}}
              labels: {app: {{pod.Workload}}{{(pod.EnrollLabel is { } label ? $", ambient.mesh/enroll: \"{label}\"" : "")}}}
              annotations:
                ambient.mesh/netns: {{Topology.PathOf(pod.Network)}}{{annotations}}
              ownerReferences:
              - {apiVersion: apps/v1, kind: StatefulSet, name: {{pod.Workload}}, controller: true}
            spec:
              nodeName: {{Topology.NodeNetwork(pod.Node)}}
              serviceAccountName: {{pod.Workload}}
              containers: [{{pod.Containers}}]
            status:
              phase: Running
              podIP: "{{pod.Addresses[0]}}"
              podIPs: [{{string.Join(", ", pod.Addresses.Select(address => $"{{ip: \"{address}\"}}"))}}]

            """;
    }

    private static string ServiceYaml(ServicePlan service) => $$"""
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: {{service.Name}}, namespace: {{service.Namespace}}}
        spec:
          selector: {app: {{service.Workload}}}
          clusterIP: {{service.V4}}
          clusterIPs: [{{service.V4}}, "{{service.V6}}"]
          ports: [{name: tcp, port: {{service.Port}}, targetPort: {{service.TargetPort}}}]

        """;

    private static string PolicyYaml(string name) => $$"""
        ---
        apiVersion: networking.k8s.io/v1
        kind: NetworkPolicy
        metadata: {name: all, namespace: {{name}}}
        spec:
          podSelector: {}

        """;
}
