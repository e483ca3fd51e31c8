namespace Ambient.Controller.Replicas;

/// <summary>Whether this replica is the one that writes what only one may write.</summary>
internal interface ILeadership
{
    /// <summary>Asked anew before each write: false as soon as another replica might have taken over.</summary>
    bool IsLeader { get; }

    /// <summary>Cancelled at the end of the present term; cancelled already while this replica is not the leader.</summary>
    CancellationToken Term { get; }

    /// <summary>Completes when a term begins that has not begun yet; at once while this replica is the leader.</summary>
    Task WhenLeaderAsync(CancellationToken cancellation);
}
