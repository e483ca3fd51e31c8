namespace Ambient.NodeProxy.Engine;

/// <summary>Who decides about a connection's end.</summary>
internal interface IConnectionOwner
{
    /// <summary>Everything of our half, its end included, has been given to the peer's side.</summary>
    void OnSendEnded(Connection connection);

    /// <summary>It broke by itself and is closed. <see cref="Connection.Fault"/> says why.</summary>
    void OnBroken(Connection connection);
}
