using Ambient.Native.Events;
using Ambient.Native.Processes;
using Ambient.Native.Unix;
using Ambient.Redirector.Loop;
using Microsoft.Extensions.Logging;

namespace Ambient.Redirector.Cni;

/// <summary>Accepts the CNI plugin at its socket's path: only processes of this user, which is root, as the kernel names it. Owned by the loop.</summary>
internal sealed class CniDoor : IDisposable
{
    // A node starts some dozens of pods at once at most; beyond that the plugin waits in the socket's queue.
    private const int MaxCalls = 256;

    private readonly EventLoop _loop;
    private readonly SeqPacketListener _listener;
    private readonly LoopWatch _watch;
    private readonly HashSet<CniCall> _calls = [];
    private readonly Action<CniCall> _onRequest;
    private readonly Counters _counters;
    private readonly ILogger _log;
    private bool _isEnded;

    /// <param name="path">Its folder is made, for root alone.</param>
    /// <exception cref="IOException">The path cannot be used.</exception>
    public CniDoor(EventLoop loop, string path, Action<CniCall> onRequest, Counters counters, ILogger log)
    {
        (_loop, _onRequest, _counters, _log) = (loop, onRequest, counters, log);
#pragma warning disable CA1416 // Unix modes: this program runs on Linux alone.
        Directory.CreateDirectory(Path.GetDirectoryName(path)!, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
#pragma warning restore CA1416
        _listener = SeqPacketListener.Listen(path, UnixFileMode.UserRead | UnixFileMode.UserWrite, Credentials.UserId);
        _watch = loop.Watch(_listener.Number, EpollEvents.In, _ => Accept());
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _isEnded = true;
        _watch.Dispose();
        _listener.Dispose();
        foreach (var call in _calls.ToList())
            call.Dispose();
    }

    private void Accept()
    {
        while (_calls.Count < MaxCalls && _listener.TryAccept(out var connection, out _))
        {
            var peer = connection!.PeerCredentials;
            if (peer.UserId == Credentials.UserId)
            {
                _calls.Add(new CniCall(_loop, connection, _onRequest, OnEnd));
                continue;
            }
            _counters.Add(CounterNames.PeersRefused);
            _log.PeerRefused(peer.ProcessId, peer.UserId, Credentials.UserId);
            connection.Dispose();
        }
        if (_calls.Count >= MaxCalls)
            _watch.Change(EpollEvents.None);
    }

    private void OnEnd(CniCall call)
    {
        _calls.Remove(call);
        if (!_isEnded && _calls.Count == MaxCalls - 1)
            _watch.Change(EpollEvents.In);
    }
}
