using System.Net;
using Ambient.Native.Descriptors;
using Ambient.Native.Sockets;
using Ambient.NodeProxy.Capture;
using Ambient.NodeProxy.Engine;
using Ambient.NodeProxy.Telemetry;

namespace Ambient.NodeProxy.Sessions;

/// <summary>Opens a connection from inside a pod's namespace: to its own app with the client's address as source, or out of it.</summary>
internal sealed class AppOpener : ISocketTaker
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(10);

    private readonly PodOnLoop _pod;
    private readonly IPAddress? _seenAs;
    private readonly bool _isWithinPod;
    private readonly IPEndPoint _target;
    private readonly Action<SocketConnection?, RefusalReason, string> _done;
    private Connector? _connector;
    private bool _isOver;

    private AppOpener(PodOnLoop pod, IPAddress? seenAs, IPEndPoint target, Action<SocketConnection?, RefusalReason, string> done)
    {
        _pod = pod;
        _isWithinPod = seenAs is not null;
        // A pod that calls itself needs no borrowed address, and could not bind a second time to its own.
        _seenAs = seenAs is not null && seenAs.Equals(target.Address) ? null : seenAs;
        _target = target;
        _done = done;
    }

    /// <param name="pod">In whose namespace.</param>
    /// <param name="seenAs">The address that the other side sees; null for the pod's own.</param>
    /// <param name="target">Where to.</param>
    /// <param name="done">Called once: with the connection, or with null, the reason and a text.</param>
    public static AppOpener Start(
        PodOnLoop pod, IPAddress? seenAs, IPEndPoint target, Action<SocketConnection?, RefusalReason, string> done)
    {
        var opener = new AppOpener(pod, seenAs, target, done);
        pod.Sockets.Take(opener);
        return opener;
    }

    /// <summary>Gives up without a call to the continuation.</summary>
    public void Cancel()
    {
        if (_isOver) return;
        _isOver = true;
        _pod.Sockets.Cancel(this);
        _connector?.Cancel();
    }

    void ISocketTaker.OnSocket(int fd)
    {
        if (_isWithinPod) SocketCalls.SetUnpaced(fd);
        _connector = Connector.Start(_pod.Loop, fd, _seenAs, _target, _isWithinPod, ConnectTimeout, OnConnected);
    }

    void ISocketTaker.OnNoSocket(string reason) => Finish(null, RefusalReason.NoSockets, reason);

    private void OnConnected(int fd, Errno error)
    {
        if (error == Errno.None)
        {
            // An app of this node cannot vanish without its kernel saying so; a peer beyond the network can.
            if (!_isWithinPod) SocketCalls.SetKeepAlive(fd, idleSeconds: 60, intervalSeconds: 15, probes: 4);
            Finish(SocketConnection.AdoptConnected(_pod.Loop, fd), default, "");
        }
        else if (error == Errno.TimedOut) Finish(null, RefusalReason.ConnectTimedOut, $"no answer from {_target}");
        else Finish(null, RefusalReason.ConnectFailed, $"{_target}: {error}");
    }

    private void Finish(SocketConnection? connection, RefusalReason reason, string detail)
    {
        if (_isOver) return;
        _isOver = true;
        _done(connection, reason, detail);
    }
}
