using System.Collections.Immutable;
using System.Threading.Channels;
using Ambient.NodeProxy.Identity;
using Microsoft.Extensions.Logging;

namespace Ambient.NodeProxy.Discovery;

/// <summary>
/// Keeps what a successor of this process needs to serve without a controller: shortly after the view, a certificate or the order has
/// changed it hands over new bytes. They hold private keys: memory only.
/// </summary>
/// <remarks>
/// The bytes of the view cost time in proportion to its size. So that they never take more than 2 % of a core, the wait after a change is
/// at least fifty times what the last bytes took to make: 100 ms up to some 1,000 workloads, about 10 s at 100,000 in a mesh that never rests.
/// The very first ones take their time for being compiled, and the wait behind them would be just when the first certificates arrive.
/// </remarks>
public sealed class StateKeeper
{
    private const int CostFactor = 50;

    private static readonly TimeSpan ShortestDelay = TimeSpan.FromMilliseconds(100);

    private readonly MeshViewHolder _views;
    private readonly IdentityStore _identities;
    private readonly OrderMemory _orders;
    private readonly Action<byte[]> _store;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Channel<bool> _changes = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private (MeshView View, byte[] Bytes)? _written;
    private long _receivedUnixMilliseconds;

    /// <summary>Makes a keeper that watches from now on.</summary>
    /// <param name="store">Gets the bytes, on the task that runs <see cref="RunAsync"/>.</param>
    public StateKeeper(MeshViewHolder views, IdentityStore identities, OrderMemory orders, Action<byte[]> store, TimeProvider time, ILogger logger)
    {
        (_views, _identities, _orders, _store, _time, _logger) = (views, identities, orders, store, time, logger);
        views.Published += _ =>
        {
            Volatile.Write(ref _receivedUnixMilliseconds, time.GetUtcNow().ToUnixTimeMilliseconds());
            _changes.Writer.TryWrite(true);
        };
        identities.Changed += _ => _changes.Writer.TryWrite(true);
        orders.Changed += () => _changes.Writer.TryWrite(true);
    }

    /// <summary>When the view in force came from a controller, before a restart or after; null while there is none.</summary>
    public DateTimeOffset? ViewReceived =>
        Volatile.Read(ref _receivedUnixMilliseconds) is var received and not 0 ? DateTimeOffset.FromUnixTimeMilliseconds(received) : null;

    /// <summary>
    /// Takes over what the process before left: its view and order unless this process already got newer ones, its certificates as far as they
    /// are still good. Never throws, whatever the bytes are.
    /// </summary>
    /// <returns>Why nothing was taken over, for a person; null if something was.</returns>
    public string? Restore(ReadOnlySpan<byte> bytes)
    {
        if (!StoredState.TryRead(bytes, _time.GetUtcNow(), out StoredState? state, out string? reason))
            return reason;
        foreach (string dropped in state.DroppedSvids)
            NodeLog.StoredCertificateDropped(_logger, dropped);
        // Certificates first: whoever hears of the view finds them there.
        foreach (Svid svid in state.Svids)
        {
            if (_identities.Find(svid.Id) is null)
                _identities.Put(svid);
        }
        if (state.LastOrder is { } order)
            _orders.Restore(order);
        if (!state.View.IsPresent)
            return null;
        if (!_views.PublishIfAbsent(state.View))
            return "the controller was faster: its view is newer";
        Volatile.Write(ref _receivedUnixMilliseconds, state.ViewReceived.ToUnixTimeMilliseconds());
        NodeLog.StateRestored(_logger, state.View.Epoch, state.View.Version, state.ViewReceived, state.Svids.Length);
        return null;
    }

    /// <summary>Hands over bytes after changes until it is cancelled; ends without an exception then.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        TimeSpan delay = ShortestDelay;
        bool isFirst = true;
        try
        {
            while (await _changes.Reader.WaitToReadAsync(cancellation))
            {
                await Task.Delay(delay, _time, cancellation);
                _changes.Reader.TryRead(out _);   // what changes from here on gets bytes of its own
                long start = _time.GetTimestamp();
                HandOver();
                TimeSpan cost = _time.GetElapsedTime(start) * CostFactor;
                delay = cost > ShortestDelay && !isFirst ? cost : ShortestDelay;
                isFirst = false;
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // The end that was asked for.
        }
    }

    /// <summary>Hands over bytes now; once more after <see cref="RunAsync"/> has ended, since changes may have waited for their turn.</summary>
    public void HandOver()
    {
        try
        {
            _store(Build());
        }
        catch (IOException fault)
        {
            NodeLog.StateNotStored(_logger, fault);
        }
    }

    /// <summary>The bytes as of now.</summary>
    internal byte[] Build()
    {
        MeshView view = _views.Current;
        if (_written?.View != view)
            _written = (view, StoredState.WriteView(view, ViewReceived ?? DateTimeOffset.UnixEpoch, _written?.Bytes.Length ?? 0));
        return [.. _written.Value.Bytes, .. StoredState.WriteSecrets(_identities.All, _orders.Last)];
    }
}
