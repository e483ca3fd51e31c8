using System.Diagnostics;
using System.Text;
using Ambient.Native.Namespaces;
using Ambient.Native.Packets;

namespace Ambient.Cli.Lab;

/// <summary>What a capture has of something that was searched for.</summary>
/// <param name="Packets">All packets captured.</param>
/// <param name="Bytes">Their bytes.</param>
/// <param name="PacketsFound">Packets with one of the texts in them.</param>
/// <param name="BytesFound">The bytes of those packets.</param>
internal sealed record CaptureFindings(long Packets, long Bytes, long PacketsFound, long BytesFound);

/// <summary>
/// Captures all packets that a link sends and receives, and searches them. tcpdump(8) would do, but where there is a single uid it cannot
/// change its groups, and ends.
/// </summary>
internal sealed class PacketCapture : IDisposable
{
    // Many times over what the kernel takes to hand over the packets that came before the end.
    private static readonly TimeSpan LastPackets = TimeSpan.FromMilliseconds(10 * PacketRing.LongestWait);

    // Of more than this a lab's machine has no memory to spare.
    private const long MaxBytes = 1L << 30;

    private readonly string _network;
    private readonly string _link;
    private readonly List<byte[]> _packets = [];
    private readonly TaskCompletionSource _listens = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<long> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _isStopping;
    private long _bytes;
    private long _lost;

    private PacketCapture(string network, string link) => (_network, _link) = (network, link);

    /// <summary>Starts to capture everything on an interface; returns when nothing is missed any more.</summary>
    /// <exception cref="LabException">There is no such interface, or it may not be listened at.</exception>
    public static async Task<PacketCapture> StartAsync(string network, string link)
    {
        var capture = new PacketCapture(network, link);
        // A network namespace belongs to a thread, and so does the ring.
        new Thread(capture.Run) { IsBackground = true, Name = $"capture {network} {link}" }.Start();
        await capture._listens.Task;
        return capture;
    }

    /// <summary>Ends it and searches what was captured.</summary>
    /// <param name="texts">Each is searched for on its own.</param>
    /// <exception cref="LabException">Packets went by that were not captured: what was not found may have been in those.</exception>
    public async Task<IReadOnlyList<CaptureFindings>> StopAsync(params string[] texts)
    {
        _isStopping = true;
        var lost = await _ended.Task;
        if (lost > 0) throw new LabException($"{lost} packets on {_link} of {_network} went by that were not captured; {_packets.Count} were.");
        return [.. texts.Select(text => Search(Encoding.ASCII.GetBytes(text)))];
    }

    /// <summary>Ends it, if it has not ended; nothing is searched.</summary>
    public void Dispose() => _isStopping = true;

    private void Run()
    {
        try
        {
            using var ring = Open();
            _listens.SetResult();
            while (!_isStopping) ring.Read(PacketRing.LongestWait, Keep);
            for (var began = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(began) < LastPackets;) ring.Read(PacketRing.LongestWait, Keep);
            _ended.SetResult(_lost + ring.TakeLost());
        }
        catch (Exception fault)
        {
            // Nobody is above this thread: who waits for it is told.
            var told = fault as LabException ?? new LabException($"{_link} of {_network} cannot be captured on: {fault.Message}", fault);
            if (!_listens.TrySetException(told)) _ended.SetException(told);
        }
    }

    private PacketRing Open()
    {
        using var entry = new NamespaceEntry();
        if (!NetworkNamespace.TryOpen(Topology.PathOf(_network), out var inside, out var reason)) throw new LabException(reason);
        using (inside) return entry.Run(inside!, () => PacketRing.Open(_link));
    }

    private void Keep(ReadOnlySpan<byte> packet)
    {
        if (_bytes + packet.Length > MaxBytes)
        {
            _lost++;
            return;
        }
        _bytes += packet.Length;
        _packets.Add(packet.ToArray());
    }

    private CaptureFindings Search(byte[] text)
    {
        var found = _packets.Where(packet => packet.AsSpan().IndexOf(text) >= 0).ToList();
        return new CaptureFindings(_packets.Count, _bytes, found.Count, found.Sum(packet => (long)packet.Length));
    }
}
