using System.Collections.Immutable;
using Ambient.Controller.Sources;
using Ambient.Controller.Sources.Policies;

namespace Ambient.Controller.Model;

/// <summary>
/// What, besides itself, decides how the pods of one namespace are told of: whatever <see cref="PodBuilder"/> looks at is
/// here, and a pod is made anew when it changes.
/// </summary>
/// <param name="ns">Null if the source does not hold the namespace.</param>
/// <param name="policies">Of the network: those of the namespace and those of the cluster, by name.</param>
/// <param name="access">Which access policies select which of its pods.</param>
/// <param name="isStandalone">Whether annotations may name network namespaces.</param>
internal sealed class PodSurroundings(MeshSettings settings, NamespaceObject? ns, ImmutableArray<PodPolicyObject> policies,
    AccessSelection access, bool isStandalone)
{
    internal MeshSettings Settings => settings;

    internal NamespaceObject? Namespace => ns;

    internal ImmutableArray<PodPolicyObject> Policies => policies;

    internal AccessSelection Access => access;

    internal bool IsStandalone => isStandalone;

    internal bool AreThoseOf(PodSurroundings other) =>
        ReferenceEquals(Settings, other.Settings) && ReferenceEquals(Namespace, other.Namespace) && IsStandalone == other.IsStandalone
        && Access.SelectsAs(other.Access)
        && Policies.AsSpan().SequenceEqual(other.Policies.AsSpan(), ReferenceEqualityComparer.Instance);
}
