namespace Ambient.NodeProxy.Engine;

/// <summary>Told once when a relay is over; both connections are closed by then.</summary>
internal interface IRelayOwner
{
    /// <param name="relay">The relay, with its byte counts.</param>
    /// <param name="broken">The side that broke first; null after a clean end or our own abort.</param>
    void OnRelayEnded(Relay relay, Connection? broken);
}
