using Ambient.Controller.Admin;
using Ambient.Controller.Authority;
using Ambient.Controller.Enrolment;
using Ambient.Controller.Model;
using Ambient.Controller.Replicas;
using Ambient.Controller.Sources;
using Ambient.Controller.Streams;
using Ambient.Protocol.Orders;

namespace Ambient.Controller;

/// <summary>A folder of keys and records, with one controller on it, and nodes that show join tokens.</summary>
internal sealed class StandaloneStore : IControllerStore
{
    private readonly StateKeys _keys;

    private StandaloneStore(StateKeys keys, EnrolmentFile file, EnrolmentFile.Record? record, bool knowsPast, TimeProvider time)
    {
        _keys = keys;
        File = file;
        Record = record;
        KnowsPast = knowsPast;
        Nodes = new JoinTokenDesk(keys.Tokens, time);
    }

    public string Place => _keys.State.Path;

    public IAuthorityPlace Authority => _keys;

    public OrderSigner Orders => _keys.Orders;

    public INodeAuthenticator Nodes { get; }

    public EnrolmentFile.Record? Record { get; }

    public bool KnowsPast { get; }

    public EnrolmentFile File { get; }

    public NodeJournal? Journal => null;

    public PodVigil? Vigil => null;

    public RemoteNodes? Remote => null;

    public ReplicaPage? Self => null;

    public ILeadership? Leadership => null;

    /// <summary>Reads the folder, and makes the keys that are missing.</summary>
    /// <exception cref="AuthorityException">Keys cannot be used.</exception>
    /// <exception cref="IOException">The folder cannot be read or written.</exception>
    internal static StandaloneStore Open(StateFolder state, ControllerOptions options, TimeProvider time, ILogger logger)
    {
        var file = new EnrolmentFile(state);
        var record = file.TryRead(out var fault);
        if (fault is not null)
            logger.RecordUnreadable(fault);
        // Before the keys are made: a state folder without keys has no past that anyone could be captured by.
        var hasPast = state.TryRead(AuthorityKeys.CertificateFile) is not null || options.CaCertificate is not null;
        return new StandaloneStore(StateKeys.Open(state, options, time), file, record, record is not null || !hasPast, time);
    }

    public NodeRoster RosterOf(IEnumerable<NodeRecord> remembered) => new(remembered);

    public void Join(Announcer announcer, string epoch)
    {
    }

    public Task? Running => null;

    public IEnumerable<ForeignTrustMap> ForeignTrust => [];

    public void Take(SourceChange change)
    {
    }

    public void Published(MeshModel model)
    {
    }

    public void RootsChanged()
    {
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
