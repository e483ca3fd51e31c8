using System.Collections.Immutable;
using Ambient.Protocol.Mesh.V1;

namespace Ambient.Controller.Model;

/// <summary>
/// The mesh as the sources describe it. Immutable; a change of a source makes another one, which shares with its predecessor
/// the pods and resources that did not change.
/// </summary>
/// <param name="Pods">By UID. They become resources together with how far their enrolment is.</param>
/// <param name="Resources">Settings, services and endpoints: what depends on the sources alone.</param>
/// <param name="EnrolledNamespaces">Namespaces that are labelled so, in order: a pod that starts in one is captured before its node's order can name it.</param>
/// <param name="Warnings">What was decided where the sources contradict each other, for people; in order.</param>
internal sealed record MeshModel(MeshSettings Settings, IReadOnlyDictionary<string, MeshPod> Pods, ImmutableArray<Resource> Resources,
    ImmutableArray<string> EnrolledNamespaces, ImmutableArray<string> Warnings);
