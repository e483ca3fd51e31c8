using System.Numerics;

namespace Ambient.NodeProxy.Engine;

/// <summary>
/// A hashed wheel (Varghese and Lauck): arming and cancelling cost the same for ten timers and for a million, which a heap does
/// not give, and nearly every timer here is cancelled. Slots are 8 ms; a timer beyond one turn of the wheel waits in its slot.
/// </summary>
internal sealed class LoopTimers
{
    private const long SlotTicks = 8 * TimeSpan.TicksPerMillisecond;
    private const int Slots = 1024;

    private readonly LoopTimer?[] _slots = new LoopTimer?[Slots];
    private readonly ulong[] _occupied = new ulong[Slots / 64];
    private long _lastSlot = -1;

    /// <summary>Timers that will fire.</summary>
    public int Count { get; private set; }

    /// <summary>Arms, or moves, a timer.</summary>
    /// <param name="timer">Belongs to this loop for good.</param>
    /// <param name="dueTicks">When, in ticks of 100 ns on the loop's clock.</param>
    public void Arm(LoopTimer timer, long dueTicks)
    {
        Cancel(timer);
        timer.DueTicks = dueTicks;
        // Rounded up: the slot is visited when it is wholly past, so a timer never fires early.
        long slot = Math.Max((dueTicks / SlotTicks) + 1, _lastSlot + 1);
        int index = (int)(slot % Slots);
        timer.Slot = index;
        timer.Previous = null;
        timer.Next = _slots[index];
        if (timer.Next is not null) timer.Next.Previous = timer;
        _slots[index] = timer;
        _occupied[index >> 6] |= 1UL << (index & 63);
        Count++;
    }

    /// <summary>Disarms; harmless when it is not armed.</summary>
    public void Cancel(LoopTimer timer)
    {
        if (timer.Slot < 0) return;
        if (timer.Previous is not null) timer.Previous.Next = timer.Next;
        else _slots[timer.Slot] = timer.Next;
        if (timer.Next is not null) timer.Next.Previous = timer.Previous;
        if (_slots[timer.Slot] is null) _occupied[timer.Slot >> 6] &= ~(1UL << (timer.Slot & 63));
        timer.Previous = timer.Next = null;
        timer.Slot = -1;
        Count--;
    }

    /// <summary>Fires what is due.</summary>
    public void FireDue(long nowTicks)
    {
        long nowSlot = nowTicks / SlotTicks;
        if (nowSlot <= _lastSlot) return;
        long from = Math.Max(_lastSlot + 1, nowSlot - Slots + 1);
        _lastSlot = nowSlot;
        for (long slot = from; slot <= nowSlot && Count > 0; slot++)
        {
            int index = (int)(slot % Slots);
            // A timer that fires may cancel others of this slot, so the list is read anew from its head until none is due.
            while (FindDue(index, nowTicks) is { } due)
            {
                Cancel(due);
                due.Fire();
            }
        }
    }

    /// <summary>How long a loop may sleep, in milliseconds; -1 when no timer is armed.</summary>
    public int SleepMilliseconds(long nowTicks)
    {
        if (Count == 0) return -1;
        long nowSlot = nowTicks / SlotTicks;
        for (int ahead = 1; ahead <= Slots;)
        {
            int index = (int)((nowSlot + ahead) % Slots);
            ulong word = _occupied[index >> 6] >> (index & 63);
            if (word != 0)
            {
                long dueTicks = (nowSlot + ahead + BitOperations.TrailingZeroCount(word)) * SlotTicks;
                return (int)Math.Max(1, ((dueTicks - nowTicks) / TimeSpan.TicksPerMillisecond) + 1);
            }

            ahead += 64 - (index & 63);
        }

        return (int)(Slots * SlotTicks / TimeSpan.TicksPerMillisecond);
    }

    private LoopTimer? FindDue(int index, long nowTicks)
    {
        for (var timer = _slots[index]; timer is not null; timer = timer.Next)
        {
            if (timer.DueTicks <= nowTicks) return timer;
        }

        return null;
    }
}
