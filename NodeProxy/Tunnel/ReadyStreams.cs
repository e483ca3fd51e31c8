namespace Ambient.NodeProxy.Tunnel;

/// <summary>Streams that have something to send, in the order of their turns. Intrusive: standing here costs nothing.</summary>
internal sealed class ReadyStreams
{
    private TunnelStream? _first;
    private TunnelStream? _last;

    public bool IsEmpty => _first is null;

    /// <summary>At the end of the line; harmless when it stands there already.</summary>
    public void Add(TunnelStream stream)
    {
        if (stream.IsReady) return;
        stream.IsReady = true;
        stream.NextReady = null;
        if (_last is null) _first = stream;
        else _last.NextReady = stream;
        _last = stream;
    }

    /// <summary>Whose turn it is; null when nobody waits.</summary>
    public TunnelStream? Take()
    {
        var stream = _first;
        if (stream is null) return null;
        _first = stream.NextReady;
        if (_first is null) _last = null;
        stream.NextReady = null;
        stream.IsReady = false;
        return stream;
    }
}
