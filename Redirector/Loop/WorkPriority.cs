namespace Ambient.Redirector.Loop;

/// <summary>What goes first when workers are busy.</summary>
internal enum WorkPriority
{
    /// <summary>Rules that somebody broke: traffic may be in the clear. Also what a mending would have to wait for.</summary>
    Mend,

    /// <summary>A pod that starts, and waits.</summary>
    Start,

    /// <summary>Everything else.</summary>
    Enrol,
}
