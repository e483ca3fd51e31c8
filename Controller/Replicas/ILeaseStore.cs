namespace Ambient.Controller.Replicas;

/// <summary>One Lease of the API.</summary>
internal interface ILeaseStore
{
    /// <summary>Namespace and name, for messages.</summary>
    string Name { get; }

    /// <returns>Null if there is none.</returns>
    /// <exception cref="ClusterException">The API is away, or refuses.</exception>
    Task<LeaseRecord?> ReadAsync(CancellationToken cancellation);

    /// <summary>Writes it on condition that it is still the version that the record names, or not there if it names none.</summary>
    /// <returns>What is there now; null if somebody else was faster.</returns>
    /// <exception cref="ClusterException">The API is away, or refuses.</exception>
    Task<LeaseRecord?> TryWriteAsync(LeaseRecord record, CancellationToken cancellation);
}
