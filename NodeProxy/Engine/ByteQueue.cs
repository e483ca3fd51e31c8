namespace Ambient.NodeProxy.Engine;

/// <summary>
/// Bytes waiting in rented buffers, first in first out. Empty it holds nothing, so an idle connection costs no buffer.
/// A value inside its owner; the owner clears it.
/// </summary>
internal struct ByteQueue
{
    private Segment? _head;
    private Segment? _tail;

    /// <summary>Bytes waiting.</summary>
    public int Length { get; private set; }

    /// <summary>Whether nothing waits.</summary>
    public readonly bool IsEmpty => Length == 0;

    /// <summary>The oldest bytes, contiguous; empty when nothing waits. Valid until the next change.</summary>
    public readonly ReadOnlySpan<byte> First => _head is null ? default : _head.Buffer.AsSpan(_head.Start, _head.End - _head.Start);

    /// <summary>Copies bytes to the end.</summary>
    public void Append(BufferPool pool, ReadOnlySpan<byte> bytes)
    {
        Length += bytes.Length;
        while (!bytes.IsEmpty)
        {
            if (_tail is null || _tail.End == _tail.Buffer.Length)
            {
                var segment = pool.RentSegment(bytes.Length);
                if (_tail is null) _head = segment;
                else _tail.Next = segment;
                _tail = segment;
            }

            int n = Math.Min(bytes.Length, _tail.Buffer.Length - _tail.End);
            bytes[..n].CopyTo(_tail.Buffer.AsSpan(_tail.End));
            _tail.End += n;
            bytes = bytes[n..];
        }
    }

    /// <summary>Moves the oldest bytes out.</summary>
    /// <returns>How many were placed at the start of <paramref name="into"/>.</returns>
    public int Take(BufferPool pool, Span<byte> into)
    {
        int taken = 0;
        while (taken < into.Length && _head is not null)
        {
            var first = First;
            int n = Math.Min(first.Length, into.Length - taken);
            first[..n].CopyTo(into[taken..]);
            taken += n;
            Skip(pool, n);
        }

        return taken;
    }

    /// <summary>Drops the oldest <paramref name="bytes"/>, which are at most <see cref="First"/>'s length.</summary>
    public void Skip(BufferPool pool, int bytes)
    {
        Length -= bytes;
        _head!.Start += bytes;
        if (_head.Start < _head.End) return;
        var next = _head.Next;
        pool.Return(_head);
        _head = next;
        if (_head is null) _tail = null;
    }

    /// <summary>Gives everything back.</summary>
    public void Clear(BufferPool pool)
    {
        for (var segment = _head; segment is not null;)
        {
            var next = segment.Next;
            pool.Return(segment);
            segment = next;
        }

        _head = _tail = null;
        Length = 0;
    }

    /// <summary>A rented buffer in a queue. Pooled with the buffers: a link queues one for each update of its window.</summary>
    internal sealed class Segment
    {
        public byte[] Buffer = [];
        public int Start;
        public int End;
        public Segment? Next;
    }
}
