using Ambient.NodeProxy.Engine;

namespace Ambient.NodeProxy.Inbound;

/// <summary>
/// Looks at the first bytes of a connection without losing them: they stay in the kernel until a reader lets them pass, so that
/// whoever takes the connection over, an app or TLS, reads it from the start as if nobody had looked.
/// </summary>
/// <remarks>
/// <code>
///   looking  --the reader decides--> decided   before there is anybody to pass bytes to: it is the connection's receiver
///   guarding --the reader decides--> open      between the connection and the app: it is the app's source, and passes
///        '--refused, diverted--> shut          only what the reader allowed
/// </code>
/// </remarks>
internal sealed class FirstBytes(SocketConnection connection, IFirstBytesReader reader, Action<Look> decided) : IByteSink, IByteSource, ILoopTurn
{
    private SocketConnection? _app;
    private ReadOnlyMemory<byte> _instead;
    private int _mayPass;
    private bool _isLooking;
    private bool _isOpen;
    private bool _isShut;

    bool ILoopTurn.IsQueued { get; set; }

    /// <summary>The peer has sent something, or ended.</summary>
    public bool HasSeenAny { get; private set; }

    /// <summary>Looks from now on. The continuation is called once, at a later turn, with the first answer that is not "more".</summary>
    public void Start()
    {
        _isLooking = true;
        connection.Receiver = this;
        connection.Loop.QueueReceive(this);
    }

    /// <summary>Looks no more, and leaves everything where it is. Harmless at any time.</summary>
    public void Stop()
    {
        _isLooking = false;
        if (connection.Receiver == this) connection.Receiver = null;
    }

    /// <summary>
    /// Goes on between the connection and the app: call it right after the two were joined. What the first look allowed passes; the
    /// continuation is called again if something that comes later is refused or diverted.
    /// </summary>
    public void Guard(SocketConnection app)
    {
        Stop();
        _app = app;
        app.Sender = this;
        connection.Receiver = app;
    }

    /// <summary>Whatever comes passes from now on.</summary>
    public void Open()
    {
        if (_isShut) return;
        _isOpen = true;
        _app?.SourceReady();
    }

    void IByteSink.SourceReady()
    {
        if (_isLooking) connection.Loop.QueueReceive(this);
    }

    int IByteSink.Push(ReadOnlySpan<byte> bytes) => 0;

    void ILoopTurn.RunTurn()
    {
        if (!_isLooking || connection.IsClosed) return;
        var look = LookAt(connection.Loop.Scratch.ReceivePlain);
        if (!_isLooking || look.Kind == LookKind.More) return; // broken meanwhile: its owner was told
        Stop();
        Note(look);
        decided(look);
    }

    void ILoopTurn.Fail()
    {
        connection.Abort(ConnectionFault.Internal);
        connection.Owner?.OnBroken(connection);
    }

    PullOutcome IByteSource.Pull(Span<byte> into, out int bytes)
    {
        bytes = 0;
        while (true)
        {
            if (_isShut) return PullOutcome.Broken;
            if (!_instead.IsEmpty)
            {
                bytes = Math.Min(_instead.Length, into.Length);
                _instead.Span[..bytes].CopyTo(into);
                _instead = _instead[bytes..];
                return PullOutcome.Bytes;
            }

            if (_isOpen)
            {
                // From here on as if this had never stood in between.
                if (_app!.Sender == this) _app.Sender = connection;
                return connection.Pull(into, out bytes);
            }

            if (_mayPass > 0)
            {
                var outcome = connection.Pull(into[..Math.Min(_mayPass, into.Length)], out bytes);
                _mayPass -= bytes;
                return outcome;
            }

            // The room that this turn would fill is free until it does.
            var look = LookAt(connection.Loop.Scratch.ReceivePlain);
            if (connection.IsClosed) return PullOutcome.Broken;
            if (look.Kind == LookKind.More) return PullOutcome.Empty;
            Note(look);
            if (_isShut) decided(look);
        }
    }

    private Look LookAt(Span<byte> room)
    {
        room = room[..reader.MostBytes];
        if (connection.Peek(room, out int bytes, out bool isAll) is PullOutcome.Empty or PullOutcome.Broken) return Look.More;
        HasSeenAny = true;
        isAll |= bytes == room.Length;
        var look = reader.Read(room[..bytes], isAll);
        if (isAll && look.Kind == LookKind.More) throw new InvalidOperationException($"{reader} asks for more than there is");
        return look;
    }

    private void Note(Look look)
    {
        switch (look.Kind)
        {
            case LookKind.Pass:
                _mayPass = look.Bytes;
                break;
            case LookKind.Replace:
                Drop(look.Bytes);
                _instead = look.Instead;
                break;
            case LookKind.PassAll:
                _isOpen = true;
                break;
            case LookKind.Divert:
            case LookKind.Finish:
            case LookKind.Refuse:
                _isShut = true;
                break;
            case LookKind.More:
                break;
        }
    }

    private void Drop(int bytes)
    {
        var room = connection.Loop.Scratch.ReceivePlain.AsSpan();
        while (bytes > 0 && connection.Pull(room[..Math.Min(bytes, room.Length)], out int dropped) == PullOutcome.Bytes) bytes -= dropped;
    }
}
