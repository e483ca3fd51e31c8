using Ambient.Native.Descriptors;
using Ambient.Native.Unix;
using Ambient.Protocol.Redirector.V1;
using Microsoft.Extensions.Logging;

namespace Ambient.NodeProxy.Capture;

/// <summary>
/// What Redirector is given to keep: the controller's last order, which it checks and obeys, and what a successor of this process needs,
/// which it does not read. A new Redirector gets both again. On the control loop.
/// </summary>
/// <param name="restore">Takes what a predecessor of this process left; called once at most.</param>
internal sealed class RedirectorDeposits(RedirectorChannel channel, Action<byte[]> restore, ILogger logger)
{
    private const int MaxStateBytes = 256 * 1024 * 1024;

    private byte[]? _order;
    private byte[]? _state;
    private bool _isRestored;
    private bool _isStopping;

    /// <summary>Passes an order on, a serialized SignedOrder, in the place of the one before.</summary>
    public void Pass(byte[] order)
    {
        _order = order;
        GiveOrder();
    }

    /// <summary>Leaves this for a successor, in the place of what was left before.</summary>
    public void Keep(byte[] state)
    {
        _state = state;
        GiveState();
    }

    /// <summary>Takes up what a predecessor left, from the first Redirector that answers; what later ones hold is this process's own.</summary>
    /// <param name="held">Sealed memory, which stays the caller's; null for none.</param>
    public void Restore(Descriptor? held)
    {
        if (held is not null && !_isRestored)
        {
            if (SealedMemory.TryRead(held, MaxStateBytes, out byte[] state, out string reason)) restore(state);
            else NodeLog.StateUnreadable(logger, reason);
        }

        _isRestored = true;
    }

    /// <summary>There is a Redirector that has none of it.</summary>
    public void GiveAgain()
    {
        GiveOrder();
        GiveState();
    }

    /// <summary>This process leaves.</summary>
    public void Stop() => _isStopping = true;

    private void GiveOrder()
    {
        if (_order is null || !channel.IsConnected) return;
        channel.Send(new ToRedirector { Order = new PassOrder() }, owned: SealedMemory.Create("ambient-order", _order));
    }

    private void GiveState()
    {
        // A process that leaves has a successor beside it, whose state is the newer one.
        if (_state is null || !channel.IsConnected || _isStopping) return;
        channel.Send(new ToRedirector { State = new StoreState() }, owned: SealedMemory.Create("ambient-state", _state));
    }
}
