using Ambient.Controller.Snapshots;
using Ambient.Protocol.Discovery.V1;

namespace Ambient.Controller.Streams;

/// <summary>
/// What one node holds of the view, what of it is on its way, and so what it is to be sent next: a step from what it holds, all of it anew, or
/// nothing until it has answered. Any thread may call it.
/// </summary>
/// <param name="least">A view of before this version would take something back from the node; 0 for none.</param>
/// <param name="foreign">The fingerprint of what the node holds by another controller's word; null for none.</param>
internal sealed class ViewProgress(ViewHistory history, ulong least, ViewFingerprint? foreign, TimeProvider time)
{
    private readonly Lock _lock = new();
    private HeldView _held = HeldView.None;      // what the node has acked
    private ViewScope _scope = ViewScope.Everything;
    private ulong _sent;
    private ulong _nacked;
    private Outstanding? _outstanding;
    private string? _lastNack;
    private bool _mayBeSent;
    private bool _hasSkipped;

    internal ulong AckedVersion
    {
        get { lock (_lock) return _held.Version; }
    }

    /// <summary>What the node may hold: what it acked, and what it was sent since and may have taken without our hearing of it.</summary>
    internal IReadOnlyList<HeldView> MayHold
    {
        get { lock (_lock) return _outstanding is { } sent ? [_held, sent.View] : [_held]; }
    }

    /// <summary>What the node is told of.</summary>
    internal ViewScope Scope
    {
        get { lock (_lock) return _scope; }
    }

    /// <summary>A full view has to be of a later version. One is kept for a while, and may be older than what the node holds, or one that it refused.</summary>
    internal ulong NotWanted
    {
        get { lock (_lock) return Math.Max(_nacked, Math.Max(LeastLocked(), 1) - 1); }
    }

    /// <summary>All that a person may want to see, at one moment.</summary>
    internal (ulong Sent, ulong Acked, DateTimeOffset? OutstandingSince, string? LastNack) Now
    {
        get { lock (_lock) return (_sent, _held.Version, _outstanding?.Since, _lastNack); }
    }

    /// <summary>Says what the node holds, before it is sent anything.</summary>
    internal void Begin(HeldView held)
    {
        lock (_lock)
            _held = held;
    }

    /// <summary>Says what the node is to be told of from now on.</summary>
    internal void SetScope(ViewScope scope)
    {
        lock (_lock)
            _scope = scope;
    }

    /// <summary>From now on something may be sent.</summary>
    /// <returns>Whether nothing is on its way, whose answer would have to come first.</returns>
    internal bool Allow()
    {
        lock (_lock)
        {
            _mayBeSent = true;
            return _outstanding is null;
        }
    }

    /// <inheritdoc cref="NodeSession.Acked"/>
    /// <param name="hasMore">Whether there is something newer to be sent already.</param>
    internal Outstanding? Acked(Ack ack, out bool hasMore)
    {
        hasMore = false;
        lock (_lock)
        {
            if (_outstanding is not { } acked || !acked.Nonce.Equals(ack.Nonce))
                return null;
            _held = acked.View;
            _outstanding = null;
            _lastNack = null;
            hasMore = history.Version > _held.Version || !ReferenceEquals(_held.Scope, _scope);
            return acked;
        }
    }

    /// <inheritdoc cref="NodeSession.Nacked"/>
    internal ulong? Nacked(Nack nack)
    {
        lock (_lock)
        {
            if (_outstanding is not { } refused || !refused.Nonce.Equals(nack.Nonce))
                return null;
            _nacked = refused.View.Version;
            _outstanding = null;
            _lastNack = nack.Reason;
            return _nacked;
        }
    }

    /// <summary>The step from what the node holds to what there is, which is on its way from now on.</summary>
    /// <param name="needsFull">It has to be a full view instead.</param>
    /// <returns>Null if there is nothing to be sent now, or not as a step.</returns>
    internal EncodedDelta? TakeChange(out bool needsFull)
    {
        needsFull = false;
        lock (_lock)
        {
            if (!_mayBeSent || _outstanding is not null)
                return null;
            RecogniseLocked();
            var version = history.Version;
            if ((version <= _held.Version && ReferenceEquals(_held.Scope, _scope)) || version <= _nacked)
                return null;
            var change = _nacked > _held.Version ? null : history.ChangeFrom(_held.Version, _held.Scope, _scope);
            if (change is null)
            {
                needsFull = true;
                return null;
            }
            if (change.IsEmpty)
            {
                _held = new HeldView(change.Version, _scope);
                _hasSkipped = true;
                return null;
            }
            SendLocked(change, _scope);
            return change;
        }
    }

    /// <summary>Notes that a full view is on its way from now on.</summary>
    /// <param name="fullVersion">Of its kept part, to which newer changes are added.</param>
    /// <returns>False if it is what the node has refused already, or behind it by now: another one has to be made.</returns>
    internal bool TryTakeFull(EncodedDelta view, ulong fullVersion, ViewScope scope)
    {
        lock (_lock)
        {
            if (fullVersion <= _nacked || view.Version < LeastLocked())
                return false;
            SendLocked(view, scope);
            return true;
        }
    }

    /// <summary>Whether, since it was asked last, a version concerned the node in nothing, and counts as acked.</summary>
    internal bool TakeSkipped()
    {
        lock (_lock)
        {
            var has = _hasSkipped;
            _hasSkipped = false;
            return has;
        }
    }

    // What another controller told it may be what this one knows too, by another number: then only what changed since is to be sent.
    private void RecogniseLocked()
    {
        if (foreign is not { } held || _held.Version > 0 || _nacked > 0)
            return;
        foreign = null;
        if (history.VersionOf(held, _scope) is > 0 and var version)
            (_held, _hasSkipped) = (new HeldView(version, _scope), true);
    }

    private ulong LeastLocked() => Math.Max(least, _held.Version);

    private void SendLocked(EncodedDelta delta, ViewScope scope)
    {
        _outstanding = new Outstanding(new HeldView(delta.Version, scope), delta.Nonce, delta.IsFull, time.GetUtcNow());
        _sent = delta.Version;
    }
}
