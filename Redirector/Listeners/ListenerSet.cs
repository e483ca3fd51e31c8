using Ambient.Native.Descriptors;

namespace Ambient.Redirector.Listeners;

/// <summary>A pod's three listeners. They are made once: NodeProxies hold copies, and whoever lives longest hands them on.</summary>
internal sealed record ListenerSet(Descriptor Outbound, Descriptor Inbound, Descriptor Tunnel) : IDisposable
{
    /// <summary>In the order in which they are sent.</summary>
    public int[] Numbers => [Outbound.Number, Inbound.Number, Tunnel.Number];

    /// <inheritdoc/>
    public void Dispose()
    {
        Outbound.Dispose();
        Inbound.Dispose();
        Tunnel.Dispose();
    }
}
