using Ambient.Protocol.Discovery.V1;

namespace Ambient.NodeProxy.Discovery;

/// <summary>Takes the controller's statements to Redirector, unopened.</summary>
public interface IOrderCarrier
{
    /// <summary>Carries an order; returns at once. The newest replaces one that still waits.</summary>
    void Carry(SignedOrder order);
}
