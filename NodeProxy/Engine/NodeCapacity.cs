using System.Runtime.InteropServices;

namespace Ambient.NodeProxy.Engine;

/// <summary>
/// What the connections of this process may take together, in descriptors, and how much of it one pod may hold. Each loop counts
/// in a slot of its own that the others only read.
/// </summary>
/// <remarks>
/// The share follows what is left (Choudhury and Hahne, "Dynamic queue length thresholds", 1998): a pod may hold as much as four
/// times what is still free. One greedy pod gets four fifths, two get four ninths each, k get 4/(4k+1) each, and always as much
/// as a quarter of such a share stays free for those that come next. Nothing has to be configured, and nobody's share is idle.
/// </remarks>
internal sealed class NodeCapacity(int loops)
{
    /// <summary>Part of a limit at which new work is refused, in percent: the rest is for what already runs, stocks, files and the control side.</summary>
    public const int ShedAtPercent = 80;

    private const int ShareOfFree = 4;

    // An eighth of what connections may hold is a tenth of the process's limit: half of what is left beside them. The other bound is
    // for memory: the kernel charges a socket to Redirector's control group, 3.7 KB each.
    private const int StockPart = 8, MostStocked = 16_384;

    private readonly Slot[] _slots = new Slot[loops];
    private long _descriptors = long.MaxValue;
    private bool _isMemoryShort;

    /// <summary>What all connections may hold, in descriptors.</summary>
    public long Limit => Volatile.Read(ref _descriptors);

    /// <summary>What they hold now, in descriptors. Any thread.</summary>
    public long Held
    {
        get
        {
            long sum = 0;
            for (int i = 0; i < _slots.Length; i++) sum += Volatile.Read(ref _slots[i].Held);
            return sum;
        }
    }

    /// <summary>Sockets that all stocks together hold or have asked for. Any thread.</summary>
    public long Stocked
    {
        get
        {
            long sum = 0;
            for (int i = 0; i < _slots.Length; i++) sum += Volatile.Read(ref _slots[i].Stocked);
            return sum;
        }
    }

    /// <summary>How often accepting for a pod stopped because too many of its connections were being opened. Any thread.</summary>
    public long Holds
    {
        get
        {
            long sum = 0;
            for (int i = 0; i < _slots.Length; i++) sum += Volatile.Read(ref _slots[i].Holds);
            return sum;
        }
    }

    /// <summary>
    /// How many sockets a stock may hold for a time without Redirector: an equal share among the stocks that hold any, as far as there is
    /// room, and beyond it as much as it leaves free for those that come next. Whoever holds more than this lays in no more, so that its
    /// room goes to the others as its sockets are used. None while memory is short. Any thread.
    /// </summary>
    /// <param name="held">What it holds or has asked for now.</param>
    public long StockShare(long held)
    {
        if (IsMemoryShort) return 0;
        long stocks = held > 0 ? 0 : 1; // one that holds nothing yet is about to
        for (int i = 0; i < _slots.Length; i++) stocks += Volatile.Read(ref _slots[i].Stocks);
        long all = Math.Min(Limit / StockPart, MostStocked);
        long room = all - Stocked + held; // less than nothing when what others need at once is more than all of it
        return Math.Clamp(Math.Max(all / Math.Max(stocks, 1), room / 2), 0, Math.Max(room, 0));
    }

    /// <summary>Whether memory is short. Any thread.</summary>
    public bool IsMemoryShort => Volatile.Read(ref _isMemoryShort);

    /// <summary>Tells how many descriptors the system gives this process.</summary>
    public void SetDescriptorLimit(long limit) => Volatile.Write(ref _descriptors, limit / 100 * ShedAtPercent);

    /// <summary>Tells how much memory is used, and how much there is, in bytes.</summary>
    public void SetMemory(long used, long limit) => Volatile.Write(ref _isMemoryShort, used >= limit / 100 * ShedAtPercent);

    /// <summary>Whether a pod that holds so many descriptors may have more.</summary>
    public Admission Ask(long heldByPod)
    {
        if (IsMemoryShort) return Admission.MemoryShort;
        long free = Limit - Held;
        if (free <= 0) return Admission.NodeFull;
        return heldByPod / ShareOfFree >= free ? Admission.PodAtShare : Admission.Open;
    }

    /// <summary>A loop's connections hold so many descriptors more, or fewer. On that loop.</summary>
    public void Add(int loop, int descriptors) => Volatile.Write(ref _slots[loop].Held, _slots[loop].Held + descriptors);

    /// <summary>A loop's stocks hold or have asked for so many sockets more, or fewer. On that loop.</summary>
    /// <param name="stocks">How many more of them, or fewer, hold any.</param>
    public void AddStocked(int loop, int sockets, int stocks)
    {
        Volatile.Write(ref _slots[loop].Stocked, _slots[loop].Stocked + sockets);
        Volatile.Write(ref _slots[loop].Stocks, _slots[loop].Stocks + stocks);
    }

    /// <summary>Accepting for a pod of this loop was stopped for a while. On that loop.</summary>
    public void CountHold(int loop) => Volatile.Write(ref _slots[loop].Holds, _slots[loop].Holds + 1);

    // A cache line each: two loops that count must not take it from each other.
    [StructLayout(LayoutKind.Sequential, Size = 128)]
    private struct Slot
    {
        public long Held;
        public long Holds;
        public long Stocked;
        public long Stocks;
    }
}
