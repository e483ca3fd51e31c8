using System.Text.Json.Serialization;
using k8s;
using k8s.Models;

namespace Ambient.Controller.Replicas;

// The kind MeshNode of ambient.mesh/v1alpha1, as it crosses the wire: cluster-scoped, named like its Node, all of it in the status, which
// the replica writes that holds the node's stream. deploy/crds has its schema; a test compares the two.

internal sealed class MeshNode : IKubernetesObject<V1ObjectMeta>
{
    internal const string Group = "ambient.mesh", Version = "v1alpha1", Plural = "meshnodes", KindName = "MeshNode";

    [JsonPropertyName("apiVersion")] public string ApiVersion { get; set; } = $"{Group}/{Version}";

    [JsonPropertyName("kind")] public string Kind { get; set; } = KindName;

    [JsonPropertyName("metadata")] public V1ObjectMeta Metadata { get; set; } = new();

    [JsonPropertyName("status")] public MeshNodeStatus? Status { get; set; }
}

internal sealed class MeshNodeList : IKubernetesObject<V1ListMeta>, IItems<MeshNode>
{
    [JsonPropertyName("apiVersion")] public string ApiVersion { get; set; } = $"{MeshNode.Group}/{MeshNode.Version}";

    [JsonPropertyName("kind")] public string Kind { get; set; } = $"{MeshNode.KindName}List";

    [JsonPropertyName("metadata")] public V1ListMeta Metadata { get; set; } = new();

    [JsonPropertyName("items")] public IList<MeshNode> Items { get; set; } = [];
}

/// <summary>How far one node and its pods are.</summary>
internal sealed record MeshNodeStatus
{
    /// <summary>The replica that holds the node's stream, or held it last.</summary>
    [JsonPropertyName("replica")] public string Replica { get; init; } = "";

    /// <summary>Rises with every stream of the node, whichever replica it reaches: of two replicas that both believe to have it, the higher is right.</summary>
    [JsonPropertyName("stream")] public long Stream { get; init; }

    [JsonPropertyName("connected")] public bool Connected { get; init; }

    [JsonPropertyName("connectedSince")] public DateTime? ConnectedSince { get; init; }

    [JsonPropertyName("peer")] public string Peer { get; init; } = "";

    [JsonPropertyName("software")] public string Software { get; init; } = "";

    /// <summary>Of the node's kernel; another one means that nothing of before is in force.</summary>
    [JsonPropertyName("bootId")] public string BootId { get; init; } = "";

    [JsonPropertyName("capabilities")] public IReadOnlyList<string> Capabilities { get; init; } = [];

    /// <summary>Of the last capture order signed for it.</summary>
    [JsonPropertyName("orderVersion")] public long OrderVersion { get; init; }

    /// <summary>View that the node had acked when this was written, within <see cref="Epoch"/>. An ack alone causes no write.</summary>
    [JsonPropertyName("ackedVersion")] public long AckedVersion { get; init; }

    [JsonPropertyName("epoch")] public string Epoch { get; init; } = "";

    /// <summary>Since when an ack is out that takes longer than <see cref="NodeJournal.LongLag"/>; null while it keeps up.</summary>
    [JsonPropertyName("unackedSince")] public DateTime? UnackedSince { get; init; }

    /// <summary>Why it refused a view, if it did last.</summary>
    [JsonPropertyName("lastNack")] public string? LastNack { get; init; }

    [JsonPropertyName("health")] public MeshNodeHealth? Health { get; init; }

    [JsonPropertyName("pods")] public IReadOnlyList<MeshNodePod> Pods { get; init; } = [];
}

/// <param name="State">Ready, Degraded or Unknown.</param>
/// <param name="Reason">A word for conditions, like ServiceAddressHidden; none if it is Ready.</param>
/// <param name="Detail">A sentence for people.</param>
internal sealed record MeshNodeHealth(
    [property: JsonPropertyName("state")] string State,
    [property: JsonPropertyName("reason")] string? Reason,
    [property: JsonPropertyName("detail")] string? Detail);

/// <summary>A pod as its node reported it last.</summary>
/// <param name="Phase">Preparing, Captured, Unproved, Quiet, Released, Failed or Gone.</param>
/// <param name="Enrolled">It has been captured since it was last let go, so that all nodes are told to open tunnels to it.</param>
internal sealed record MeshNodePod(
    [property: JsonPropertyName("uid")] string Uid,
    [property: JsonPropertyName("phase")] string Phase,
    [property: JsonPropertyName("reason")] string? Reason,
    [property: JsonPropertyName("enrolled")] bool Enrolled,
    [property: JsonPropertyName("connectionsFromBefore")] long ConnectionsFromBefore,
    [property: JsonPropertyName("excludedInboundPorts")] IReadOnlyList<int> ExcludedInboundPorts)
{
    // Lists do not compare by content; whether there is something to write is decided by this.
    public bool Equals(MeshNodePod? other) => other is not null
        && (Uid, Phase, Reason ?? "", Enrolled, ConnectionsFromBefore) == (other.Uid, other.Phase, other.Reason ?? "", other.Enrolled, other.ConnectionsFromBefore)
        && (ExcludedInboundPorts ?? []).SequenceEqual(other.ExcludedInboundPorts ?? []);

    public override int GetHashCode() => HashCode.Combine(Uid, Phase);
}
