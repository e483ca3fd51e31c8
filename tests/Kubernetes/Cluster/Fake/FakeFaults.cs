namespace Ambient.Tests.Kubernetes.Cluster.Fake;

/// <summary>What a test may have go wrong in the fake alone. What can happen to a real server too is done to its line (<see cref="ApiLine"/>).</summary>
public sealed class FakeFaults
{
    private readonly Lock _lock = new();
    private readonly HashSet<Watch> _watches = [];

    /// <summary>How often a watch that asked for bookmarks gets one. The real server: about a minute.</summary>
    public TimeSpan BookmarkInterval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Answers a request by a status instead of doing what it asks: given verb, plural and user name; null for no fault.</summary>
    public Func<string, string, string, (int Code, string Reason)?> Intercept { get; set; } = (_, _, _) => null;

    /// <summary>The header Retry-After of every 429 and 503, in seconds; null for none. The real server: 1.</summary>
    public int? RetryAfterSeconds { get; set; }

    /// <summary>Watches that are open.</summary>
    public int OpenWatches
    {
        get
        {
            lock (_lock)
                return _watches.Count;
        }
    }

    /// <summary>Ends all watches in the middle, without a word.</summary>
    public void CutWatches() => Disturb(watch => watch.IsCut = true);

    /// <summary>Tells all watches that their revision is too old: 410 as an event of the stream.</summary>
    public void ExpireWatches() => Disturb(watch => watch.IsExpired = true);

    internal Watch Enter(ResourceType type)
    {
        var watch = new Watch(this, type);
        lock (_lock)
            _watches.Add(watch);
        return watch;
    }

    private void Disturb(Action<Watch> how)
    {
        lock (_lock)
        {
            foreach (var watch in _watches)
            {
                how(watch);
                watch.Disturb();
            }
        }
    }

    internal sealed class Watch(FakeFaults owner, ResourceType type) : IDisposable
    {
        private readonly TaskCompletionSource _disturbed = new(TaskCreationOptions.RunContinuationsAsynchronously);

        internal ResourceType Type => type;

        internal bool IsCut { get; set; }

        internal bool IsExpired { get; set; }

        internal Task Disturbed => _disturbed.Task;

        internal void Disturb() => _disturbed.TrySetResult();

        internal void ThrowIfExpired()
        {
            if (IsExpired)
                throw ApiFailure.Expired("too old resource version: 1 (2)");
        }

        public void Dispose()
        {
            lock (owner._lock)
                owner._watches.Remove(this);
        }
    }
}
