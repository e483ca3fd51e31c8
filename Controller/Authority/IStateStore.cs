namespace Ambient.Controller.Authority;

/// <summary>
/// Where the controller's keys are kept, as texts with names. A folder takes each write at once; Secrets of a cluster are read, changed and
/// written back whole (<see cref="ClusterState"/>), so that no reader ever meets half of a step.
/// </summary>
internal interface IStateStore
{
    /// <summary>Where that is, for messages.</summary>
    string Place { get; }

    /// <summary>The text of an entry, or null if there is none.</summary>
    /// <exception cref="IOException">The entry is there and cannot be read.</exception>
    string? TryRead(string name);

    /// <summary>Writes an entry that nobody else may read.</summary>
    void WritePrivate(string name, string text);

    /// <summary>Writes an entry that everyone may read.</summary>
    void WritePublic(string name, string text);

    void Delete(string name);
}
