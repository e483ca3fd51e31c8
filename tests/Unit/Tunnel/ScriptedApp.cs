using Ambient.NodeProxy.Engine;

namespace Ambient.Tests.Unit.Tunnel;

/// <summary>An app at the end of a stream: sends what it is given, keeps what it gets, reads only when told to.</summary>
internal sealed class ScriptedApp : IByteSink, IByteSource, IConnectionOwner
{
    private readonly Connection _connection;
    private readonly MemoryStream _received = new();
    private readonly Queue<byte[]> _toSend = new();
    private int _offset;
    private bool _ends;

    public ScriptedApp(Connection connection, bool reads = true)
    {
        _connection = connection;
        Reads = reads;
        connection.Receiver = this;
        connection.Sender = this;
        connection.Owner = this;
        connection.SourceReady();
        Read();
    }

    public bool Reads { get; private set; }

    public byte[] Received => _received.ToArray();

    public long ReceivedBytes => _received.Length;

    public bool SawEnd { get; private set; }

    public bool SawBreak { get; private set; }

    public ConnectionFault Fault => _connection.Fault;

    public void Send(byte[] bytes)
    {
        _toSend.Enqueue(bytes);
        _connection.SourceReady();
    }

    public void End()
    {
        _ends = true;
        _connection.SourceReady();
    }

    public void StartReading()
    {
        Reads = true;
        Read();
    }

    public void SourceReady()
    {
        if (Reads) Read();
    }

    public int Push(ReadOnlySpan<byte> bytes)
    {
        if (!Reads) return 0;
        _received.Write(bytes);
        return bytes.Length;
    }

    public PullOutcome Pull(Span<byte> into, out int bytes)
    {
        bytes = 0;
        if (_toSend.TryPeek(out var first))
        {
            bytes = Math.Min(into.Length, first.Length - _offset);
            first.AsSpan(_offset, bytes).CopyTo(into);
            _offset += bytes;
            if (_offset == first.Length)
            {
                _toSend.Dequeue();
                _offset = 0;
            }

            return PullOutcome.Bytes;
        }

        return _ends ? PullOutcome.End : PullOutcome.Empty;
    }

    public void OnSendEnded(Connection connection) => CloseIfOver();

    public void OnBroken(Connection connection) => SawBreak = true;

    private void Read()
    {
        var room = new byte[8192];
        while (!SawEnd)
        {
            switch (_connection.Pull(room, out int bytes))
            {
                case PullOutcome.Bytes:
                    _received.Write(room, 0, bytes);
                    continue;
                case PullOutcome.End:
                    SawEnd = true;
                    CloseIfOver();
                    break;
                case PullOutcome.Empty or PullOutcome.Broken:
                    break;
            }

            return;
        }
    }

    private void CloseIfOver()
    {
        if (SawEnd && _connection.IsSendEnded) _connection.Close();
    }
}
