namespace Ambient.Controller.Sources;

/// <summary>Where the objects of the mesh come from.</summary>
internal interface IMeshSource
{
    /// <summary>
    /// Follows the source until cancelled. Publishes first, as soon as all of the source has been read, everything that it holds; and
    /// then what changed, which may be several changes at once. What is unreachable for a while is not gone: nothing is published then.
    /// </summary>
    /// <param name="publish">Called on one thread at a time. Returns when the model has been made: a source that gathers what happens meanwhile is never behind.</param>
    Task RunAsync(Action<SourceChange> publish, CancellationToken cancellation);
}
