namespace Ambient.Cli.Lab;

/// <summary>A cluster whose API the lab's controller goes by, where that is not a folder of YAML. Its objects are the caller's to make.</summary>
internal interface ILabCluster
{
    /// <summary>How the controller gets there and keeps its state: options of ambient-controller. What they name, its user must be able to read.</summary>
    IReadOnlyList<string> ControllerOptions { get; }

    /// <summary>What the controller, which runs, has published for nodes: the mesh's roots and the key that orders are checked with, PEM.</summary>
    Task<(string Bundle, string OrderKey)> TrustAsync();

    /// <summary>The token that kubelet would project into the pod of a node's NodeProxy.</summary>
    Task<string> TokenAsync(string node);

    /// <summary>Labels namespaces, so that their pods join the mesh, or takes the label away.</summary>
    Task LabelAsync(IReadOnlyCollection<string> namespaces, bool isEnrolled);
}
