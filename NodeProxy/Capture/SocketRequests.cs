using Ambient.Native.Descriptors;
using Ambient.NodeProxy.Engine;
using Ambient.Protocol.Redirector.V1;

namespace Ambient.NodeProxy.Capture;

/// <summary>Which stock waits for which answer of Redirector. On the control loop; stocks ask from theirs.</summary>
internal sealed class SocketRequests(EventLoop control, Action<ToRedirector> send) : ISocketRequester
{
    private readonly Dictionary<ulong, (SocketStock Stock, int Count)> _open = [];
    private ulong _lastId;

    /// <inheritdoc/>
    public void Request(string uid, int count, SocketStock stock) => control.Post(() =>
    {
        ulong id = ++_lastId;
        _open[id] = (stock, count);
        send(new ToRedirector { Sockets = new SocketRequest { RequestId = id, Uid = uid, Count = (uint)count } });
    });

    /// <summary>Sockets came. Takes all of the descriptors.</summary>
    public void OnSockets(Sockets answer, List<Descriptor> descriptors)
    {
        if (!_open.Remove(answer.RequestId, out var request)) return; // of a pod or a session that is over
        int[] fds = [.. descriptors.Select(d => d.Detach())];
        descriptors.Clear();
        string? refusal = fds.Length == 0 ? "this process is out of descriptors" : null;
        request.Stock.Loop.Post(() => request.Stock.OnAnswer(request.Count, fds, refusal));
    }

    /// <summary>Redirector said no.</summary>
    public void OnRefused(SocketsRefused answer)
    {
        if (!_open.Remove(answer.RequestId, out var request)) return;
        string reason = answer.Reason;
        request.Stock.Loop.Post(() => request.Stock.OnAnswer(request.Count, [], reason));
    }

    /// <summary>Requests of a lost session are void; stocks ask again when there is a new one.</summary>
    public void Clear() => _open.Clear();
}
