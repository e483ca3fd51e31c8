using Ambient.Native.Descriptors;
using Ambient.Native.Events;
using Ambient.Native.Unix;
using Ambient.Protocol.Cni;
using Ambient.Redirector.Loop;

namespace Ambient.Redirector.Cni;

/// <summary>One run of the plugin: a request comes, and gets one answer. Owned by the loop.</summary>
internal sealed class CniCall : IDisposable
{
    // The plugin writes as soon as it is connected.
    private static readonly TimeSpan _requestTime = TimeSpan.FromSeconds(5);

    private readonly SeqPacketSocket _socket;
    private readonly LoopWatch _watch;
    private readonly LoopTimer _deadline;
    private readonly Action<CniCall> _onRequest;
    private readonly Action<CniCall> _onEnd;
    private CniRequest? _request;

    /// <param name="socket">Becomes this object's.</param>
    /// <param name="onRequest">Called at most once, with a request that can be read.</param>
    /// <param name="onEnd">Called once.</param>
    public CniCall(EventLoop loop, SeqPacketSocket socket, Action<CniCall> onRequest, Action<CniCall> onEnd)
    {
        (_socket, _onRequest, _onEnd) = (socket, onRequest, onEnd);
        socket.SetNonBlocking(true);
        _watch = loop.Watch(socket.Number, EpollEvents.In, _ => Receive());
        _deadline = loop.After(_requestTime, Dispose);
    }

    /// <summary>What is asked.</summary>
    public CniRequest Request => _request ?? throw new InvalidOperationException("Nothing is asked yet.");

    /// <summary>What came beside it; whoever keeps one takes it out of the list.</summary>
    public List<Descriptor> Descriptors { get; } = [];

    /// <summary>It was answered, or the plugin has gone.</summary>
    public bool IsOver { get; private set; }

    /// <summary>Answers and ends; a call that is over hears nothing.</summary>
    public void Answer(CniAnswer answer)
    {
        if (IsOver)
            return;
        _ = _socket.TrySend(answer.ToBytes(), [], out _); // a plugin that is gone has failed by itself
        Dispose();
    }

    /// <summary>Ends without an answer: the plugin asks whoever comes next.</summary>
    public void Dispose()
    {
        if (IsOver)
            return;
        IsOver = true;
        _deadline.Cancel();
        _watch.Dispose();
        _socket.Dispose();
        CloseDescriptors();
        _onEnd(this);
    }

    private void Receive()
    {
        var buffer = new byte[_request is null ? CniRequest.MaxBytes : 1];
        var result = _socket.Receive(buffer, Descriptors);
        if (result.WouldBlock)
            return;
        if (_request is not null || !result.IsPacket)
        {
            Dispose(); // the plugin was killed, or says more than it may
            return;
        }
        string? fault = "the request is too long";
        if (result.Truncated || !CniRequest.TryRead(buffer.AsSpan(0, result.Bytes), out _request, out fault))
        {
            Answer(CniAnswer.Fails(fault!));
            return;
        }
        _deadline.Cancel();
        _onRequest(this);
    }

    private void CloseDescriptors()
    {
        Descriptors.ForEach(d => d.Dispose());
        Descriptors.Clear();
    }
}
