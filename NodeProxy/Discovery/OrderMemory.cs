using Ambient.Protocol.Discovery.V1;

namespace Ambient.NodeProxy.Discovery;

/// <summary>Remembers the last order on its way to Redirector, for the successor of this process.</summary>
public sealed class OrderMemory(IOrderCarrier next) : IOrderCarrier
{
    private SignedOrder? _last;

    /// <summary>An order came by. Raised on its bringer's thread.</summary>
    public event Action? Changed;

    /// <summary>The last order; null if there was none.</summary>
    public SignedOrder? Last => Volatile.Read(ref _last);

    /// <inheritdoc/>
    public void Carry(SignedOrder order)
    {
        Volatile.Write(ref _last, order);
        next.Carry(order);
        Changed?.Invoke();
    }

    /// <summary>Remembers an order of the time before, without carrying it, unless a newer one already came by.</summary>
    internal void Restore(SignedOrder order) => Interlocked.CompareExchange(ref _last, order, null);
}
