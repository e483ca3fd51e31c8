namespace Ambient.Controller.Kubernetes.Following;

/// <summary>The times that following goes by.</summary>
internal sealed record FollowerTimes
{
    internal static FollowerTimes Default { get; } = new();

    /// <summary>First wait after a failure.</summary>
    internal TimeSpan FirstRetry { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>Longest wait after failures in a row. The server's own end of an overload is a second or two away then.</summary>
    internal TimeSpan LongestRetry { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long the server is asked to keep a watch: drawn anew for each from here to twice that, so that they do not all end together.</summary>
    internal TimeSpan WatchLength { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How long a watch may say nothing. Servers send a bookmark about every minute.</summary>
    internal TimeSpan WatchIdle { get; init; } = TimeSpan.FromMinutes(3);

    /// <summary>How long a list may say nothing.</summary>
    internal TimeSpan ListIdle { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How often a kind is asked for that we were forbidden to read.</summary>
    internal TimeSpan ForbiddenRetry { get; init; } = TimeSpan.FromSeconds(15);
}
