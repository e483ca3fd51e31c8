namespace Ambient.Redirector.Loop;

/// <summary>What goes first when workers are busy.</summary>
internal enum WorkPriority
{
    /// <summary>Rules that somebody broke: traffic may be in the clear.</summary>
    Mend,

    /// <summary>Everything else.</summary>
    Enrol,

    /// <summary>What nobody waits for.</summary>
    Count,
}
