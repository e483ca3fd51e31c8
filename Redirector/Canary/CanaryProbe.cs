using System.Net;
using System.Net.Sockets;
using System.Text;
using Ambient.Native.Events;
using Ambient.Native.Namespaces;
using Ambient.Protocol.Redirector.V1;
using Ambient.Redirector.Loop;

namespace Ambient.Redirector.Canary;

/// <summary>One connection of the canary: opened inside the namespace as an app would, read to the end of the answer's line. Owned by the loop.</summary>
internal sealed class CanaryProbe : IDisposable
{
    private static readonly TimeSpan _atMost = TimeSpan.FromSeconds(5);

    private readonly Socket _socket;
    private readonly IPEndPoint _service;
    private readonly Action<CanaryResult> _onDone;
    private readonly LoopWatch _watch;
    private readonly LoopTimer _deadline;
    private readonly byte[] _answer = new byte[128];
    private int _read;
    private bool _isOver;

    private CanaryProbe(EventLoop loop, Socket socket, IPEndPoint service, Action<CanaryResult> onDone)
    {
        (_socket, _service, _onDone) = (socket, service, onDone);
        _watch = loop.Watch((int)socket.SafeHandle.DangerousGetHandle(), EpollEvents.In, _ => Receive());
        _deadline = loop.After(_atMost, () => End(CanaryJudge.NotServed($"no answer within {_atMost.TotalSeconds:0} s")));
    }

    /// <summary>Opens the connection; the calling thread owns <paramref name="entry"/>. Nothing here waits: the listener is on this machine.</summary>
    public static CanaryProbe? Start(EventLoop loop, NamespaceEntry entry, NetworkNamespace inside, IPEndPoint service, Action<CanaryResult> onDone)
    {
        Socket? socket = null;
        try
        {
            socket = entry.Run(inside, () => new Socket(service.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { Blocking = false });
            socket.Connect(service);
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.WouldBlock or SocketError.InProgress)
        {
            // Under way.
        }
        catch (SocketException e)
        {
            socket?.Dispose();
            onDone(CanaryJudge.NotServed(e.Message));
            return null;
        }
        return new CanaryProbe(loop, socket!, service, onDone);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_isOver)
            return;
        _isOver = true;
        _deadline.Cancel();
        _watch.Dispose();
        _socket.Dispose();
    }

    private void Receive()
    {
        int read = _socket.Receive(_answer.AsSpan(_read), SocketFlags.None, out var error);
        if (error == SocketError.WouldBlock)
            return;
        if (error != SocketError.Success)
        {
            End(CanaryJudge.NotServed($"{error}"));
            return;
        }
        _read += read;
        if (read > 0 && _read < _answer.Length && _answer[_read - 1] != (byte)'\n')
            return;
        End(CanaryJudge.OfAnswer(_service, Encoding.ASCII.GetString(_answer, 0, _read)));
    }

    private void End(CanaryResult result)
    {
        if (_isOver)
            return;
        Dispose();
        _onDone(result);
    }
}
