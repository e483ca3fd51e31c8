namespace Ambient.NodeProxy.Http2;

/// <summary>How often a peer may do what <see cref="FloodKind"/> lists.</summary>
public sealed record FloodLimits
{
    /// <summary>The limits that most connections use.</summary>
    public static readonly FloodLimits Default = new();

    /// <summary>Frames without content; default 100 at once, 50 a second.</summary>
    public FloodBudget EmptyFrames { get; init; } = new(100, 50);

    /// <summary>SETTINGS frames; default 200 at once, 50 a second: a tunnel changes its initial window with the load.</summary>
    public FloodBudget Settings { get; init; } = new(200, 50);

    /// <summary>PING frames; default 100 at once, 20 a second.</summary>
    public FloodBudget Pings { get; init; } = new(100, 20);

    /// <summary>
    /// Resets of streams that were not answered yet; default 2,000 at once, 500 a second. Ambient's source makes one only after 2 s
    /// without an answer; others make one whenever an app gives up.
    /// </summary>
    public FloodBudget PeerResets { get; init; } = new(2_000, 500);

    /// <summary>PRIORITY frames; default 200 at once, 50 a second.</summary>
    public FloodBudget Priorities { get; init; } = new(200, 50);

    /// <summary>Unknown frames; default 200 at once, 50 a second.</summary>
    public FloodBudget UnknownFrames { get; init; } = new(200, 50);

    /// <summary>Resets that the peer provoked; default 2,000 at once, 500 a second.</summary>
    public FloodBudget ProvokedResets { get; init; } = new(2_000, 500);

    /// <summary>The budget of a kind.</summary>
    public FloodBudget For(FloodKind kind) => kind switch
    {
        FloodKind.EmptyFrame => EmptyFrames,
        FloodKind.Settings => Settings,
        FloodKind.Ping => Pings,
        FloodKind.PeerReset => PeerResets,
        FloodKind.Priority => Priorities,
        FloodKind.UnknownFrame => UnknownFrames,
        FloodKind.ProvokedReset => ProvokedResets,
    };
}
