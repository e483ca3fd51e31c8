namespace Ambient.Controller.Replicas;

/// <summary>The cluster whose API holds the keys and what replicas know of one another.</summary>
/// <param name="Kubeconfig">Null for the configuration that a pod finds in itself.</param>
/// <param name="Namespace">Of the mesh's own parts.</param>
internal sealed record ClusterOptions(string? Kubeconfig, string Namespace)
{
    internal const string DefaultNamespace = "ambient-system";
}
