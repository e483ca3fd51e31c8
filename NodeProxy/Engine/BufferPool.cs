namespace Ambient.NodeProxy.Engine;

/// <summary>
/// Buffers of one loop for bytes that could not be passed on at once. Four sizes, so that a stalled stream of a few bytes does
/// not hold 16 KiB, nor one with a window of 64 KiB a whole batch. Owned by its loop: no locks.
/// </summary>
internal sealed class BufferPool
{
    private const int SmallBytes = 2 * 1024;
    private const int MediumBytes = 16 * 1024;
    private const int LargeBytes = 80 * 1024;
    private const int LargestBytes = 160 * 1024;

    // Kept at most: 256 * 2 KiB + 256 * 16 KiB + 32 * 80 KiB + 8 * 160 KiB = 8.3 MiB a loop; what is above goes back to the collector.
    private readonly Stack<byte[]> _small = new(256);
    private readonly Stack<byte[]> _medium = new(256);
    private readonly Stack<byte[]> _large = new(32);
    private readonly Stack<byte[]> _largest = new(8);

    // Of 40 bytes each; as many as there are small buffers.
    private readonly Stack<ByteQueue.Segment> _segments = new(256);

    /// <summary>Buffers out at the moment. Zero when no connection is open: tests hold us to it.</summary>
    public int Rented { get; private set; }

    /// <summary>Bytes out at the moment.</summary>
    public long RentedBytes { get; private set; }

    /// <summary>A buffer of at least <paramref name="minimumBytes"/>, contents undefined. Whoever rents returns.</summary>
    public byte[] Rent(int minimumBytes)
    {
        byte[] buffer = minimumBytes switch
        {
            <= SmallBytes => Take(_small, SmallBytes),
            <= MediumBytes => Take(_medium, MediumBytes),
            <= LargeBytes => Take(_large, LargeBytes),
            <= LargestBytes => Take(_largest, LargestBytes),
            _ => GC.AllocateUninitializedArray<byte>(minimumBytes),
        };
        Rented++;
        RentedBytes += buffer.Length;
        return buffer;
    }

    /// <summary>Gives a buffer back. The caller forgets it.</summary>
    public void Return(byte[] buffer)
    {
        Rented--;
        RentedBytes -= buffer.Length;
        switch (buffer.Length)
        {
            case SmallBytes when _small.Count < 256:
                _small.Push(buffer);
                break;
            case MediumBytes when _medium.Count < 256:
                _medium.Push(buffer);
                break;
            case LargeBytes when _large.Count < 32:
                _large.Push(buffer);
                break;
            case LargestBytes when _largest.Count < 8:
                _largest.Push(buffer);
                break;
        }
    }

    /// <summary>A buffer of at least <paramref name="minimumBytes"/> as a queue's last.</summary>
    public ByteQueue.Segment RentSegment(int minimumBytes)
    {
        if (!_segments.TryPop(out var segment)) segment = new ByteQueue.Segment();
        segment.Buffer = Rent(minimumBytes);
        return segment;
    }

    /// <summary>Gives a queue's buffer back, and the queue's place for it. The caller forgets both.</summary>
    public void Return(ByteQueue.Segment segment)
    {
        Return(segment.Buffer);
        if (_segments.Count >= 256) return;
        (segment.Buffer, segment.Start, segment.End, segment.Next) = ([], 0, 0, null);
        _segments.Push(segment);
    }

    private static byte[] Take(Stack<byte[]> stack, int size) =>
        stack.TryPop(out var buffer) ? buffer : GC.AllocateUninitializedArray<byte>(size);
}
