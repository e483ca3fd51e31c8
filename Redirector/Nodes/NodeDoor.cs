using Ambient.Native.Events;
using Ambient.Native.Unix;
using Ambient.Redirector.Loop;
using Microsoft.Extensions.Logging;

namespace Ambient.Redirector.Nodes;

/// <summary>Accepts NodeProxies at the socket's path: only processes of one user, as the kernel names it. Owned by the loop.</summary>
internal sealed class NodeDoor : IDisposable
{
    private readonly SeqPacketListener _listener;
    private readonly LoopWatch _watch;
    private readonly uint _userId;
    private readonly Action<SeqPacketSocket> _onAccepted;
    private readonly Counters _counters;
    private readonly ILogger _log;

    /// <exception cref="SystemCallException">The path cannot be used.</exception>
    public NodeDoor(EventLoop loop, string path, uint userId, Action<SeqPacketSocket> onAccepted, Counters counters, ILogger log)
    {
        (_userId, _onAccepted, _counters, _log) = (userId, onAccepted, counters, log);
        _listener = SeqPacketListener.Listen(path, UnixFileMode.UserRead | UnixFileMode.UserWrite, userId);
        _watch = loop.Watch(_listener.Number, EpollEvents.In, _ => Accept());
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _watch.Dispose();
        _listener.Dispose();
    }

    private void Accept()
    {
        while (_listener.TryAccept(out var connection, out _))
        {
            var peer = connection!.PeerCredentials;
            if (peer.UserId == _userId)
            {
                _onAccepted(connection);
                continue;
            }
            _counters.Add(CounterNames.PeersRefused);
            _log.PeerRefused(peer.ProcessId, peer.UserId, _userId);
            connection.Dispose();
        }
    }
}
