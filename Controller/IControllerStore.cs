using Ambient.Controller.Admin;
using Ambient.Controller.Authority;
using Ambient.Controller.Enrolment;
using Ambient.Controller.Model;
using Ambient.Controller.Replicas;
using Ambient.Controller.Sources;
using Ambient.Controller.Streams;
using Ambient.Protocol.Orders;

namespace Ambient.Controller;

/// <summary>What outlives a controller's process, and by what it knows nodes: a folder (<see cref="StandaloneStore"/>) or a cluster (<see cref="ClusterParts"/>).</summary>
internal interface IControllerStore : IAsyncDisposable
{
    /// <summary>Where that is, for messages.</summary>
    string Place { get; }

    /// <summary>What signs certificates, and may be replaced meanwhile.</summary>
    IAuthorityPlace Authority { get; }

    /// <summary>Signs capture orders.</summary>
    OrderSigner Orders { get; }

    /// <summary>Says which node a token speaks for.</summary>
    INodeAuthenticator Nodes { get; }

    /// <summary>What the processes before this one wrote down; null for nothing.</summary>
    EnrolmentFile.Record? Record { get; }

    /// <summary>Whether <see cref="Record"/> is all there is to know: it was found, or there was nobody before.</summary>
    bool KnowsPast { get; }

    /// <summary>Where this process writes down what its successor must know; null where <see cref="Journal"/> does it.</summary>
    EnrolmentFile? File { get; }

    /// <summary>Where each node's stream is written down for other replicas; null where there are none. There once it was joined.</summary>
    NodeJournal? Journal { get; }

    /// <summary>Ends streams whose token has lost its ground; null where tokens have none.</summary>
    PodVigil? Vigil { get; }

    /// <summary>What other replicas wrote of their nodes; null where there are none.</summary>
    RemoteNodes? Remote { get; }

    /// <summary>What stands where trust bundles should be, and is somebody else's.</summary>
    IEnumerable<ForeignTrustMap> ForeignTrust { get; }

    /// <summary>Whether this replica writes what only one may write; null where there are no others.</summary>
    ILeadership? Leadership { get; }

    /// <summary>This process among the replicas, for people; null where there are none.</summary>
    ReplicaPage? Self { get; }

    /// <summary>A roster that knows of other replicas.</summary>
    NodeRoster RosterOf(IEnumerable<NodeRecord> remembered);

    /// <summary>Begins to exchange with others what the announcer knows. Before the source is followed, and before any stream is accepted.</summary>
    void Join(Announcer announcer, string epoch);

    /// <summary>Ends if something that goes on by itself from then on ends, which it does only by a fault of ours; null where there is nothing.</summary>
    Task? Running { get; }

    /// <summary>Takes what a change says beside the mesh.</summary>
    void Take(SourceChange change);

    /// <summary>The announcer has taken this model.</summary>
    void Published(MeshModel model);

    /// <summary>The roots have changed.</summary>
    void RootsChanged();
}
