using Ambient.Controller.Kubernetes.Decoding;
using Ambient.Controller.Kubernetes.Following;
using Ambient.Controller.Sources;
using Ambient.Controller.Sources.Policies;
using Ambient.Controller.Sources.Yaml;
using Ambient.Protocol.Model;

namespace Ambient.Controller.Kubernetes;

/// <summary>Makes source objects of what was decoded, by the readers that a folder of YAML has too.</summary>
internal static class ObjectReading
{
    /// <summary>Where objects of the cluster come from, for people.</summary>
    private const string Place = "cluster";

    private static readonly SourcePlace Cluster = new(Place, 0);

    /// <returns>Null for what is not told to the mesh.</returns>
    /// <exception cref="YamlFaultException">It cannot be read.</exception>
    internal static SourceObject? Read(FollowedKind kind, DecodedObject item)
    {
        if (kind == KindCatalog.Definitions)
            return InstalledKind.Read(Fields.Of(item.Content, ""), Cluster);
        if (kind.IsNetworkPolicy && kind.Group != "networking.k8s.io")
            return CniPolicyReader.Read(kind.QualifiedKind, Fields.Of(item.Content, ""), Cluster);
        if (kind.IsRoute)
            return RouteReader.Read(kind.Kind, Fields.Of(item.Content, ""), Cluster);
        // A policy's faults are told by its place.
        var reader = new ObjectReader(kind.Kind == "AccessPolicy" ? $"AccessPolicy {item.Namespace}/{item.Name}" : Place);
        try
        {
            reader.Read(item.Content);
        }
        catch (YamlFaultException) when (kind.IsNetworkPolicy)
        {
            return new NetworkPolicyObject(item.Namespace, item.Name, LabelSelector.Everything, Cluster);
        }
        return reader.Objects.FirstOrDefault();
    }

    /// <summary>
    /// What an object counts as that cannot be read at all: too large, too deep, or met by a bug of ours. What it meant may be stricter than
    /// what it was before.
    /// </summary>
    /// <returns>Null for kinds of which the last good version is safe to go on with.</returns>
    internal static SourceObject? OfUnreadable(FollowedKind kind, DecodedObject item, SourceFault fault) => kind switch
    {
        { IsNetworkPolicy: true, Group: "networking.k8s.io" } => new NetworkPolicyObject(item.Namespace, item.Name, LabelSelector.Everything, Cluster),
        { IsNetworkPolicy: true } => new CniPolicyObject(kind.QualifiedKind, item.Namespace, item.Name, [EveryPod.Instance], Cluster),
        { Kind: "AccessPolicy" } => new AccessPolicyObject(item.Namespace, item.Name, LabelSelector.Everything, PolicyAction.Deny, [], [fault], Cluster),
        _ => null,
    };
}
