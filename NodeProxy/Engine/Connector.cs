using System.Net;
using Ambient.Native.Descriptors;
using Ambient.Native.Events;
using Ambient.Native.Sockets;

namespace Ambient.NodeProxy.Engine;

/// <summary>Connects one socket, within a deadline.</summary>
internal sealed class Connector : IReadinessHandler, ILoopTurn
{
    private readonly EventLoop _loop;
    private readonly int _fd;
    private readonly Action<int, Errno> _done;
    private readonly LoopTimer _deadline;
    private ulong _registration;
    private bool _isWatched;
    private bool _isOver;

    private Connector(EventLoop loop, int fd, Action<int, Errno> done)
    {
        _loop = loop;
        _fd = fd;
        _done = done;
        _deadline = new LoopTimer(() => Finish(Errno.TimedOut));
    }

    /// <summary>Starts to connect.</summary>
    /// <param name="loop">The loop.</param>
    /// <param name="fd">Non-blocking, not connected; taken over.</param>
    /// <param name="bindTo">The address to be seen as the client, or null for the pod's own. Needs IP_TRANSPARENT when foreign.</param>
    /// <param name="target">Where to.</param>
    /// <param name="isWithinPod">The target is in the socket's own namespace: its kernel has both ends, and mostly joins them within the call.</param>
    /// <param name="timeout">How long it may take; over it the outcome is <see cref="Errno.TimedOut"/>.</param>
    /// <param name="done">
    /// Called once, never from within this call: with the connected descriptor, now the caller's, and <see cref="Errno.None"/>;
    /// or with -1 and the error, the descriptor closed.
    /// </param>
    /// <returns>For <see cref="Cancel"/>.</returns>
    public static Connector Start(EventLoop loop, int fd, IPAddress? bindTo, IPEndPoint target, bool isWithinPod, TimeSpan timeout, Action<int, Errno> done)
    {
        var connector = new Connector(loop, fd, done);
        var error = bindTo is null ? Errno.None : SocketCalls.Bind(fd, new IPEndPoint(bindTo, 0));
        if (error == Errno.None) error = SocketCalls.Connect(fd, target);
        // The second call asks whether the first has succeeded: no watch, no wait, no third call for most connections to an app.
        if (error == Errno.InProgress && isWithinPod) error = SocketCalls.Connect(fd, target);
        if (error == Errno.None)
        {
            loop.QueueReceive(connector);
        }
        else if (error is Errno.InProgress or Errno.AlreadyInProgress)
        {
            connector._registration = loop.Attach(fd, connector, EpollEvents.Out);
            connector._isWatched = true;
            loop.Arm(connector._deadline, timeout);
        }
        else
        {
            loop.Post(() => connector.Finish(error));
        }

        return connector;
    }

    bool ILoopTurn.IsQueued { get; set; }

    /// <summary>Gives up without a call to the continuation.</summary>
    public void Cancel()
    {
        if (_isOver) return;
        _isOver = true;
        Unwatch();
        SocketCalls.Close(_fd);
    }

    void IReadinessHandler.OnReady(EpollEvents events) => Finish(SocketCalls.TakeError(_fd));

    void ILoopTurn.RunTurn() => Finish(Errno.None);

    void ILoopTurn.Fail()
    {
        // The descriptor was handed on before the continuation threw, or is closed.
    }

    private void Finish(Errno error)
    {
        if (_isOver) return;
        _isOver = true;
        Unwatch();
        if (error == Errno.None)
        {
            _done(_fd, Errno.None);
            return;
        }

        SocketCalls.Close(_fd);
        _done(-1, error);
    }

    private void Unwatch()
    {
        _loop.Timers.Cancel(_deadline);
        if (_isWatched) _loop.Detach(_fd, _registration);
    }
}
