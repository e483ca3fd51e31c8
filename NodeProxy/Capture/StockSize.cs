using Ambient.NodeProxy.Engine;

namespace Ambient.NodeProxy.Capture;

/// <summary>
/// How many sockets a stock is to hold, by the last minute's need and by what the node has to spare. Owned by the stock's loop.
/// </summary>
/// <remarks>
/// What is needed at once bridges a busy Redirector. The reserve bridges one that is away, because its image is bad or it crashes
/// again and again: a pod that opens little, kubelet's probes above all, goes on for most of a minute (until then kubelet has
/// started it anew), while one that opens much could not be helped with any number. An unconnected socket costs a descriptor here and
/// 3.7 KB of the kernel's memory (measured, Linux 6.18), so 80 of them 300 KB a pod; <see cref="NodeCapacity.StockShare"/> bounds what all
/// pods have, and shares it out among them.
/// </remarks>
internal sealed class StockSize(int loop, NodeCapacity capacity)
{
    private const int SmallestStock = 4;
    private const int LargestStock = 256;
    private const int FirstReserve = 12;
    private const int LargestReserve = 80;
    // Of a new Redirector all stocks ask at the same time, and it gives 8,192 sockets at once.
    private const int OnHello = 16;

    private int _held;
    private int _takenThisMinute;
    private int _takenLastMinute;

    /// <summary>A quarter of a second of the last minute's need: a request takes well under a millisecond to be answered, so this only has
    /// to bridge a busy Redirector. It is laid in whatever others hold.</summary>
    public int AtOnce => Math.Clamp(MinuteNeed / 240, SmallestStock, LargestStock);

    /// <summary>What is needed at once, or the reserve where that is more.</summary>
    public int Target => Math.Max(AtOnce, Reserve);

    private int MinuteNeed => Math.Max(_takenLastMinute, _takenThisMinute);

    // A minute's need, as far as the node has room. At first nothing is known of a pod: twelve are a minute of two probes with
    // Kubernetes' default period of ten seconds.
    private int Reserve => (int)Math.Min(Math.Clamp(MinuteNeed, FirstReserve, LargestReserve), capacity.StockShare(_held));

    /// <summary>What to hold when a new Redirector has come, of which all stocks ask at the same time.</summary>
    /// <param name="ready">Sockets that are there.</param>
    public int AfterHello(int ready) => Math.Max(AtOnce, Math.Min(Reserve, ready + OnHello));

    /// <summary>A connection wants a socket.</summary>
    public void CountNeed() => _takenThisMinute++;

    /// <summary>A minute has passed.</summary>
    public void NextMinute() => (_takenLastMinute, _takenThisMinute) = (_takenThisMinute, 0);

    /// <summary>Puts what the stock holds on the node's account.</summary>
    /// <param name="sockets">Those that were asked for as well: otherwise all stocks would ask for the same room.</param>
    public void Hold(int sockets)
    {
        if (sockets == _held) return;
        capacity.AddStocked(loop, sockets - _held, (sockets > 0 ? 1 : 0) - (_held > 0 ? 1 : 0));
        _held = sockets;
    }
}
