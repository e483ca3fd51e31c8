using System.Collections.Immutable;
using Ambient.Protocol.Mesh.V1;

namespace Ambient.Controller.Model;

/// <summary>
/// The mesh as the sources describe it. Immutable; a change of a source makes another one, which shares with its predecessor
/// all that did not change.
/// </summary>
/// <param name="ToldSettings">As nodes are told of them.</param>
/// <param name="Pods">By UID. They become resources together with how far their enrolment is.</param>
/// <param name="Services">With their endpoints.</param>
/// <param name="Nodes">By name, as nodes are told of them.</param>
/// <param name="Policies">As nodes are told of them, by key.</param>
/// <param name="EnrolledNamespaces">Namespaces that are labelled so, in order: a pod that starts in one is captured before its node's order can name it.</param>
/// <param name="Warnings">What was decided where the sources contradict each other, for people; in order.</param>
/// <param name="Change">What it is more than its predecessor.</param>
internal sealed record MeshModel(MeshSettings Settings, ToldResource ToldSettings, ImmutableDictionary<string, MeshPod> Pods,
    ImmutableDictionary<(string Namespace, string Name), PlacedService> Services, ImmutableDictionary<string, ToldResource> Nodes,
    ImmutableArray<ToldResource> Policies, ImmutableArray<string> EnrolledNamespaces, ImmutableArray<string> Warnings, ModelChange Change)
{
    /// <summary>What is said about objects that are not in force as they stand, by kind, namespace and name: for whoever reads their status.</summary>
    internal ImmutableDictionary<(string Kind, string Namespace, string Name), ObjectVerdict> Verdicts { get; init; } =
        ImmutableDictionary<(string Kind, string Namespace, string Name), ObjectVerdict>.Empty;

    /// <summary>What depends on the sources alone: settings, services with their endpoints, nodes, policies, each kind in order.</summary>
    internal IEnumerable<ToldResource> Told =>
    [
        ToldSettings,
        .. Services.Values.OrderBy(s => s.Service.Namespace, StringComparer.Ordinal).ThenBy(s => s.Service.Name, StringComparer.Ordinal)
            .SelectMany(s => s.Told is null ? s.Endpoints : [s.Told, .. s.Endpoints]),
        .. Nodes.OrderBy(n => n.Key, StringComparer.Ordinal).Select(n => n.Value),
        .. Policies,
    ];

    /// <summary>The same, read again: for people who look.</summary>
    internal IEnumerable<Resource> Resources => Told.Select(told => told.Read());
}
