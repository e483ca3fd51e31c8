using System.Buffers;
using Ambient.NodeProxy.Engine;

namespace Ambient.NodeProxy.Tunnel;

/// <summary>
/// Frames other than DATA on their way out. They go before DATA, so an answer to PING never waits behind an app's bytes.
/// </summary>
internal sealed class ControlQueue(BufferPool pool) : IBufferWriter<byte>
{
    private byte[]? _staging;
    private ByteQueue _queue;

    /// <summary>Bytes waiting.</summary>
    public int Length => _queue.Length;

    public void Advance(int count) => _queue.Append(pool, _staging.AsSpan(0, count));

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        if (_staging is null || _staging.Length < sizeHint)
        {
            if (_staging is not null) pool.Return(_staging);
            _staging = pool.Rent(Math.Max(sizeHint, 1024));
        }

        return _staging;
    }

    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    /// <summary>Moves the oldest bytes out; frees the staging buffer when nothing is left, so an idle link holds none.</summary>
    public int Take(Span<byte> into)
    {
        int taken = _queue.Take(pool, into);
        if (_queue.IsEmpty) ReleaseStaging();
        return taken;
    }

    public void Clear()
    {
        _queue.Clear(pool);
        ReleaseStaging();
    }

    private void ReleaseStaging()
    {
        if (_staging is null) return;
        pool.Return(_staging);
        _staging = null;
    }
}
