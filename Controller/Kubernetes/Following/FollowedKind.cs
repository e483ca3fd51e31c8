using Ambient.Controller.Kubernetes.Decoding;

namespace Ambient.Controller.Kubernetes.Following;

/// <summary>A kind that is followed: where it is served, and what of it is read.</summary>
/// <param name="Group">Empty for the core group.</param>
/// <param name="Versions">Those that can be read, the best first.</param>
internal sealed record FollowedKind(string Group, IReadOnlyList<string> Versions, string Plural, string Kind, JsonShape Shape)
{
    /// <summary>A policy of the pods' network: one that may not be read is one that is not understood, which is safe to go on with.</summary>
    internal bool IsNetworkPolicy { get; init; }

    /// <summary>A route of the Gateway API: nothing of the mesh waits for one.</summary>
    internal bool IsRoute { get; init; }

    /// <summary>Nothing can be told to the mesh while the object cannot be read and never could: whatever would be told instead could be weaker.</summary>
    internal bool IsSettings { get; init; }

    /// <summary>As the API has it: <c>accesspolicies.ambient.mesh</c>.</summary>
    internal string QualifiedName => Group.Length == 0 ? Plural : $"{Plural}.{Group}";

    /// <summary>As people and the model have it: <c>cilium.io/CiliumNetworkPolicy</c>.</summary>
    internal string QualifiedKind => Group.Length == 0 ? Kind : $"{Group}/{Kind}";

    /// <summary>An object of it as a source object has its identity: what network plugins bring is told apart by group, since several call theirs NetworkPolicy.</summary>
    internal (string Kind, string Namespace, string Name) IdentityOf(string ns, string name) =>
        (IsNetworkPolicy && Group != "networking.k8s.io" ? QualifiedKind : Kind, ns, name);

    /// <summary>Where all objects of it are listed.</summary>
    internal string PathOf(string version) => $"{RootOf(version)}/{Plural}";

    /// <summary>Where one of them is.</summary>
    /// <param name="ns">Empty where the kind is of the whole cluster.</param>
    internal string PathOf(string version, string ns, string name) => ns.Length > 0 ? $"{RootOf(version)}/namespaces/{ns}/{Plural}/{name}" : $"{PathOf(version)}/{name}";

    internal string ApiVersionOf(string version) => Group.Length == 0 ? version : $"{Group}/{version}";

    private string RootOf(string version) => Group.Length == 0 ? $"/api/{version}" : $"/apis/{Group}/{version}";
}
