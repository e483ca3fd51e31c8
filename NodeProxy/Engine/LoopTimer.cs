namespace Ambient.NodeProxy.Engine;

/// <summary>
/// One deadline of one object, re-usable: arming it again moves it. It fires on its loop, never early.
/// </summary>
internal sealed class LoopTimer(Action onDue)
{
    internal LoopTimer? Previous;
    internal LoopTimer? Next;
    internal long DueTicks;
    internal int Slot = -1;

    /// <summary>Whether it will fire.</summary>
    public bool IsArmed => Slot >= 0;

    internal void Fire() => onDue();
}
