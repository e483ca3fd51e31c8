namespace Ambient.Controller.Kubernetes.Following;

/// <summary>How long to wait before trying again: longer each time, and never the same for two, so that many do not come at once.</summary>
/// <param name="random">What to draw from; a test's own for the same waits each time.</param>
internal sealed class Backoff(TimeSpan first, TimeSpan longest, Random random)
{
    private TimeSpan? _next;

    /// <returns>Between half and all of a time that doubles.</returns>
    internal TimeSpan Next()
    {
        var wait = _next ?? first;
        _next = wait * 2 < longest ? wait * 2 : longest;
        return wait * (0.5 + (random.NextDouble() / 2));
    }

    internal void Reset() => _next = null;
}
