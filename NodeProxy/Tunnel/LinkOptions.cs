namespace Ambient.NodeProxy.Tunnel;

/// <summary>Limits of a link. Both sides of the product use the defaults; tests shrink them.</summary>
internal sealed record LinkOptions
{
    /// <summary>A stream's window at its start, in bytes.</summary>
    public int InitialStreamWindowBytes { get; init; } = 64 * 1024;

    /// <summary>What a stream that drains may grow to, in bytes. 1 MiB covers 80 ms at 100 Mbit/s.</summary>
    public int MaxStreamWindowBytes { get; init; } = 1024 * 1024;

    /// <summary>
    /// The connection's window, in bytes. Its credit is returned on receipt, so it only bounds what is in flight; it is many
    /// stream windows wide on purpose, because equal sizes deadlock apps that read one stream only after another.
    /// </summary>
    public int ConnectionWindowBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>The largest frame we take, in bytes. DATA passes through as it arrives, so that large frames cost no memory.</summary>
    public int MaxFrameBytes { get; init; } = 128 * 1024;

    /// <summary>Streams a peer may have open on one link.</summary>
    public int MaxConcurrentStreams { get; init; } = 4096;

    /// <summary>The largest header list we take, in bytes by the count of RFC 9113, section 10.5.1.</summary>
    public int MaxHeaderListBytes { get; init; } = 16 * 1024;

    /// <summary>A stream's share of a batch while others wait, in bytes: the turn that makes the writer fair.</summary>
    public int QuantumBytes { get; init; } = 16 * 1024;

    /// <summary>Answers (SETTINGS, PING) waiting because the peer does not read; beyond it the link is a flood.</summary>
    public int MaxPendingControlBytes { get; init; } = 256 * 1024;

    /// <summary>Silence after which a PING is sent.</summary>
    public TimeSpan PingAfter { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Silence after which the link is dead.</summary>
    public TimeSpan DeadAfter { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a link without streams stays open. Longer saves handshakes and costs about 25 KB a link.</summary>
    public TimeSpan IdleAfter { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>A pair whose last connection was opened this long ago gets its next link before it asks, when its link takes no more.</summary>
    public TimeSpan WarmFor { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Links of a loop, over all its pods, that are opened ahead and not used yet.</summary>
    public int MaxWarmLinks { get; init; } = 64;
}
