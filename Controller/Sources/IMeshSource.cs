namespace Ambient.Controller.Sources;

/// <summary>Where the objects of the mesh come from.</summary>
internal interface IMeshSource
{
    /// <summary>
    /// Follows the source until cancelled. Publishes a first snapshot as soon as all of the source has been read, and
    /// another one after each change. What is unreachable for a while is not gone: nothing is published then.
    /// </summary>
    /// <param name="publish">Called on one thread at a time.</param>
    Task RunAsync(Action<SourceSnapshot> publish, CancellationToken cancellation);
}
