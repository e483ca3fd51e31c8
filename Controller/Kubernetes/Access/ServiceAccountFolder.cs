namespace Ambient.Controller.Kubernetes.Access;

/// <summary>What kubelet mounts into every pod: who it is, and whom to trust. Source: the Kubernetes documentation, "Accessing the API from a Pod".</summary>
/// <param name="Path">Where it is mounted.</param>
internal sealed record ServiceAccountFolder(string Path)
{
    internal static ServiceAccountFolder Default { get; } = new("/var/run/secrets/kubernetes.io/serviceaccount");

    internal string TokenPath => System.IO.Path.Combine(Path, "token");

    internal string RootsPath => System.IO.Path.Combine(Path, "ca.crt");
}
