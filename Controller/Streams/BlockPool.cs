using System.Buffers;
using Microsoft.AspNetCore.Connections;

namespace Ambient.Controller.Streams;

/// <summary>
/// The blocks that Kestrel's pipes are made of. Those that come back are kept for the next one, but only so many: its own pool
/// lets go of what was idle for a while, and the shared one of .NET keeps 64 on two processors, so that ten thousand streams allocate anew with
/// every change. Any thread may call it.
/// </summary>
/// <param name="mostIdle">Blocks that are kept while nobody uses them.</param>
internal sealed class BlockPool(int mostIdle = BlockPool.MostIdle) : MemoryPool<byte>, IMemoryPoolFactory<byte>
{
    /// <summary>Of a block, in bytes: what pipes ask for by default.</summary>
    internal const int BlockBytes = 4096;

    /// <summary>32 MiB.</summary>
    internal const int MostIdle = 8192;

    private readonly Lock _lock = new();
    private readonly Stack<Block> _idle = new();

    /// <summary>Pipes take larger ones from elsewhere.</summary>
    public override int MaxBufferSize => BlockBytes;

    /// <summary>Blocks that are kept now.</summary>
    internal int Idle
    {
        get { lock (_lock) return _idle.Count; }
    }

    /// <summary>One pool for all of Kestrel's loops.</summary>
    public MemoryPool<byte> Create(MemoryPoolOptions? options = null) => this;

    /// <inheritdoc/>
    public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(minBufferSize, BlockBytes);
        lock (_lock)
        {
            if (_idle.TryPop(out var known))
                return known.Lend();
        }
        return new Block(this).Lend();
    }

    /// <summary>Kestrel disposes a pool with each of its loops; it goes on for the others, and with the process.</summary>
    protected override void Dispose(bool disposing)
    {
    }

    private void Return(Block block)
    {
        lock (_lock)
        {
            if (_idle.Count < mostIdle)
                _idle.Push(block);
        }
    }

    private sealed class Block(BlockPool pool) : IMemoryOwner<byte>
    {
        // Not of the heap of pinned objects, as Kestrel's own are: those that are let go would leave holes that no collection closes.
        private readonly Memory<byte> _memory = GC.AllocateUninitializedArray<byte>(BlockBytes);
        private int _isLent;

        public Memory<byte> Memory => _memory;

        internal Block Lend()
        {
            Volatile.Write(ref _isLent, 1);
            return this;
        }

        // A block that came back twice would be two streams' at once.
        public void Dispose()
        {
            if (Interlocked.Exchange(ref _isLent, 0) == 1)
                pool.Return(this);
        }
    }
}
