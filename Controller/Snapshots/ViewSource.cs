namespace Ambient.Controller.Snapshots;

/// <summary>Where streams get from what they send.</summary>
/// <param name="Room">Which of them may be sent a full view now.</param>
internal sealed record ViewSource(ViewHistory History, FullViews Full, FullViewRoom Room)
{
    internal ViewSource(ViewHistory history)
        : this(history, new FullViews(history), new FullViewRoom())
    {
    }
}
