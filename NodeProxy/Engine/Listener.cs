using Ambient.Native.Descriptors;
using Ambient.Native.Events;
using Ambient.Native.Sockets;

namespace Ambient.NodeProxy.Engine;

/// <summary>
/// Accepts on a listening socket that somebody else made and keeps. Stopping leaves the socket as it is: connections wait in
/// its backlog for whoever accepts next.
/// </summary>
internal sealed class Listener : IReadinessHandler, ILoopTurn
{
    // Out of descriptors: the kernel keeps the rest in the backlog; asked again after this long.
    private static readonly TimeSpan RetryAfterExhaustion = TimeSpan.FromMilliseconds(100);

    // A flood at one listener must not hold the loop: its share of a turn (about a millisecond with all that an accept brings), then the others.
    private const int AcceptsPerTurn = 16;

    private readonly EventLoop _loop;
    private readonly int _fd;
    private readonly Action<int> _accepted;
    private readonly Action<Errno> _failed;
    private readonly Func<bool> _mayAccept;
    private readonly LoopTimer _retry;
    private ulong _registration;
    private bool _isRunning;

    /// <param name="loop">Where accepted descriptors arrive.</param>
    /// <param name="fd">Non-blocking and listening; owned by the caller, who keeps it open until after <see cref="Stop"/>.</param>
    /// <param name="accepted">Takes over the accepted descriptor.</param>
    /// <param name="failed">Told when the system refuses more descriptors.</param>
    /// <param name="mayAccept">Asked before each accept; after a no the rest waits in the backlog until <see cref="Resume"/>.</param>
    public Listener(EventLoop loop, int fd, Action<int> accepted, Action<Errno> failed, Func<bool> mayAccept)
    {
        _loop = loop;
        _fd = fd;
        _accepted = accepted;
        _failed = failed;
        _mayAccept = mayAccept;
        _retry = new LoopTimer(() => _loop.QueueReceive(this));
    }

    bool ILoopTurn.IsQueued { get; set; }

    public void Start()
    {
        if (_isRunning) return;
        _isRunning = true;
        _registration = _loop.Attach(_fd, this, EpollEvents.In);
        _loop.QueueReceive(this); // what waited in the backlog before raised its edge long ago
    }

    public void Stop()
    {
        if (!_isRunning) return;
        _isRunning = false;
        _loop.Timers.Cancel(_retry);
        _loop.Detach(_fd, _registration);
    }

    /// <summary>What kept it from accepting is over.</summary>
    public void Resume()
    {
        if (_isRunning) _loop.QueueReceive(this);
    }

    public void OnReady(EpollEvents events) => _loop.QueueReceive(this);

    public void RunTurn()
    {
        if (!_isRunning) return;
        for (int n = 0; n < AcceptsPerTurn; n++)
        {
            if (!_mayAccept()) return;
            int accepted = SocketCalls.Accept(_fd, out var error);
            if (accepted >= 0)
            {
                _accepted(accepted);
                if (!_isRunning) return;
                continue;
            }

            if (error == Errno.WouldBlock) return;
            if (error is Errno.TooManyFiles or Errno.TooManyFilesInSystem or Errno.NoBufferSpace or Errno.OutOfMemory)
            {
                _failed(error);
                _loop.Arm(_retry, RetryAfterExhaustion);
                return;
            }

            // Anything else belongs to the one connection that died in the backlog (accept(2), "Error handling").
        }

        _loop.QueueReceive(this);
    }

    // One connection met a bug of ours; those behind it are still wanted.
    public void Fail()
    {
        if (_isRunning) _loop.Arm(_retry, RetryAfterExhaustion);
    }
}
