namespace Ambient.NodeProxy.Engine;

/// <summary>Joins two connections until both directions have ended cleanly or one side broke.</summary>
internal sealed class Relay : IConnectionOwner
{
    private readonly IRelayOwner _owner;
    private bool _isOver;

    private Relay(Connection downstream, Connection upstream, IRelayOwner owner)
    {
        Downstream = downstream;
        Upstream = upstream;
        _owner = owner;
    }

    /// <summary>The side that asked for the connection.</summary>
    public Connection Downstream { get; }

    /// <summary>The side it was opened to.</summary>
    public Connection Upstream { get; }

    /// <summary>Starts to move bytes both ways. Both live on one loop.</summary>
    public static Relay Start(Connection downstream, Connection upstream, IRelayOwner owner)
    {
        if (downstream.Loop != upstream.Loop) throw new InvalidOperationException("a relay never crosses loops");
        var relay = new Relay(downstream, upstream, owner);
        downstream.Owner = relay;
        upstream.Owner = relay;
        downstream.Sender = upstream;
        upstream.Sender = downstream;
        downstream.Receiver = upstream;
        upstream.Receiver = downstream;
        // What came before the join (early bytes, an early end) was noted by the connections and is pulled now.
        upstream.SourceReady();
        downstream.SourceReady();
        return relay;
    }

    /// <summary>Ends both sides at once, as resets.</summary>
    public void Abort(ConnectionFault fault)
    {
        if (_isOver) return;
        Downstream.Abort(fault);
        Upstream.Abort(fault);
        End(null);
    }

    void IConnectionOwner.OnSendEnded(Connection connection)
    {
        if (_isOver || !Downstream.IsSendEnded || !Upstream.IsSendEnded) return;
        Downstream.Close();
        Upstream.Close();
        End(null);
    }

    void IConnectionOwner.OnBroken(Connection connection)
    {
        if (_isOver) return;
        (connection == Downstream ? Upstream : Downstream).Abort(ConnectionFault.OtherSide);
        End(connection);
    }

    private void End(Connection? broken)
    {
        _isOver = true;
        _owner.OnRelayEnded(this, broken);
    }
}
