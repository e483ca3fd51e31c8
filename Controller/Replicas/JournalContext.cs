using Ambient.Controller.Enrolment;
using Ambient.Protocol.Discovery.V1;

namespace Ambient.Controller.Replicas;

/// <summary>What the journals of all nodes have in common.</summary>
/// <param name="Replica">This process, as others know it.</param>
/// <param name="Epoch">Within which its view versions are comparable.</param>
internal sealed record JournalContext(string Replica, string Epoch, TimeProvider Time)
{
    /// <summary>The node of a pod by its UID, as far as the source knows; null if it does not.</summary>
    internal required Func<string, string?> PlaceOf { get; init; }

    /// <summary>What is remembered of a node.</summary>
    internal required Func<string, NodeRecord> RecordOf { get; init; }

    /// <summary>Acts upon a report.</summary>
    internal required Action<string, PodReport> Deliver { get; init; }

    /// <summary>Told what another replica had written of a node that begins a stream here.</summary>
    internal required Action<string, MeshNodeStatus> Found { get; init; }

    /// <summary>Told of a node of which a stream ended here: what is written of it elsewhere may count now.</summary>
    internal required Action<string> Left { get; init; }

    /// <summary>Told of a node whose stream is now at another replica.</summary>
    internal required Action<string, string> Moved { get; init; }

    /// <summary>Told of a write that failed and is tried again.</summary>
    internal required Action<ClusterException> Failed { get; init; }

    /// <summary>Told of a bug of ours.</summary>
    internal required Action<string, Exception> Bug { get; init; }

    /// <summary>Bounds how many writes are under way.</summary>
    internal SemaphoreSlim Writes { get; } = new(NodeJournal.WritesAtOnce);
}
