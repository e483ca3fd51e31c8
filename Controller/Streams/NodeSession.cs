using System.Collections.Immutable;
using System.Threading.Channels;
using Ambient.Controller.Snapshots;
using Ambient.Protocol.Discovery.V1;
using Google.Protobuf;
using Grpc.Core;

namespace Ambient.Controller.Streams;

/// <summary>
/// The state of one node's stream: what it has, what is on its way, what waits. A node gets the newest view and the newest
/// order whenever it has dealt with what was sent before, never a queue of them; what it holds here does not grow with the
/// changes that it misses. Any thread may call it, except <see cref="SendAsync"/>, which runs once.
/// </summary>
internal sealed class NodeSession(Hello hello, string peer, ViewSource views, TimeProvider time)
{
    // Answers to certificate requests; a node that does not read them is not read from either.
    private const int MaxReplies = 64;
    private const int MaxQuestions = 16;

    private readonly Lock _lock = new();
    private readonly Channel<Reply> _replies = Channel.CreateBounded<Reply>(MaxReplies);
    private readonly Channel<bool> _wakeUps = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly CancellationTokenSource _ended = new(); // never disposed: a late End must find it, and it owns no timer
    private readonly Dictionary<ulong, TaskCompletionSource<Answer>> _questions = [];
    private readonly DateTimeOffset _connected = time.GetUtcNow();

    // What another controller told the node is no older than what we knew when it came: a view of before would take something back.
    private readonly ulong _least = hello.HeldVersion > 0 && hello.HeldEpoch != views.History.Epoch ? views.History.Version : 0;

    private HeldView _held = HeldView.None;      // what the node has acked
    private ViewScope _scope = ViewScope.Everything;
    private ulong _sent;
    private ulong _nacked;
    private Outstanding? _outstanding;
    private Task? _admission;                    // to the streams that are being sent a full view
    private IDisposable? _place;                 // among them, until it is acked: what is only written fills this process's buffers
    private SignedOrder? _order;
    private TrustBundle? _bundle;
    private string? _lastNack;
    private string? _certificateProblem;
    private NodeHealth? _health;
    private bool _mayHaveView;
    private bool _hasSkipped;
    private ulong _lastId;

    internal string Node => hello.Node;

    internal string BootId => hello.BootId;

    internal ImmutableArray<string> Capabilities { get; } = [.. hello.Capabilities.Distinct().Order(StringComparer.Ordinal)];

    /// <summary>Of a process that drains beside its successor, whose stream is the node's.</summary>
    internal bool IsLeaving => hello.Leaving;

    /// <summary>Whether the node serves by a view of another controller process, which a first view of ours would replace.</summary>
    internal bool HoldsForeignView => hello.HeldVersion > 0 && hello.HeldEpoch != views.History.Epoch;

    /// <summary>
    /// The version that the node says to hold: it counts only within our epoch; what it says to hold of our future is nonsense. 0 for none.
    /// </summary>
    internal ulong HeldVersion => hello.HeldEpoch == views.History.Epoch && hello.HeldVersion <= views.History.Version ? hello.HeldVersion : 0;

    /// <summary>Why the stream was ended from this side; null if it was not.</summary>
    internal Status? EndStatus { get; private set; }

    /// <summary>Cancelled when the stream is ended from this side.</summary>
    internal CancellationToken Ended => _ended.Token;

    internal ulong AckedVersion
    {
        get { lock (_lock) return _held.Version; }
    }

    /// <summary>What the node may hold: what it acked, and what it was sent since and may have taken without our hearing of it.</summary>
    internal IReadOnlyList<HeldView> MayHold
    {
        get { lock (_lock) return _outstanding is { } sent ? [_held, sent.View] : [_held]; }
    }

    /// <summary>Says what the node holds, before it is offered anything.</summary>
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

    /// <summary>The view may be sent from now on, and has changed or may have.</summary>
    internal void OfferView()
    {
        lock (_lock)
            _mayHaveView = true;
        _wakeUps.Writer.TryWrite(true);
    }

    /// <summary>Hands over an order; one that still waits is replaced.</summary>
    internal void OfferOrder(SignedOrder order)
    {
        lock (_lock)
            _order = order;
        _wakeUps.Writer.TryWrite(true);
    }

    /// <summary>Hands over the roots; those that still wait are replaced.</summary>
    internal void OfferBundle(TrustBundle bundle)
    {
        lock (_lock)
            _bundle = bundle;
        _wakeUps.Writer.TryWrite(true);
    }

    /// <summary>Queues an answer to something that the node asked; waits while too many wait already.</summary>
    internal async ValueTask ReplyAsync(ControllerMessage message, CancellationToken cancellation)
    {
        await _replies.Writer.WriteAsync(new Reply(message, null), cancellation);
        _wakeUps.Writer.TryWrite(true);
    }

    /// <summary>Asks the node.</summary>
    /// <returns>Its answer; null if too many questions are open already.</returns>
    /// <exception cref="OperationCanceledException">No answer came in time, or the stream ended.</exception>
    internal async Task<Answer?> AskAsync(Question question, CancellationToken cancellation)
    {
        var answer = new TaskCompletionSource<Answer>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, _ended.Token);
        using var cancelled = either.Token.Register(() => answer.TrySetCanceled());
        lock (_lock)
        {
            if (_questions.Count >= MaxQuestions)
                return null;
        }
        var asked = new ControllerMessage { Question = question };
        await _replies.Writer.WriteAsync(new Reply(asked, answer), either.Token);
        _wakeUps.Writer.TryWrite(true);
        try
        {
            return await answer.Task;
        }
        finally
        {
            lock (_lock)
                _questions.Remove(asked.Id);
        }
    }

    /// <summary>The node answered a question. Answers to what was never asked, or came too late, are dropped.</summary>
    internal void Answered(Answer answer)
    {
        lock (_lock)
        {
            if (_questions.TryGetValue(answer.QuestionId, out var asked))
                asked.TrySetResult(answer);
        }
    }

    /// <summary>The node applied a delta.</summary>
    /// <returns>What it was that is acked; null if it was not what is out.</returns>
    internal Outstanding? Acked(Ack ack)
    {
        Outstanding? acked;
        bool hasMore;
        lock (_lock)
        {
            if (_outstanding is null || !_outstanding.Nonce.Equals(ack.Nonce))
                return null;
            acked = _outstanding;
            _held = acked.View;
            _outstanding = null;
            _lastNack = null;
            hasMore = views.History.Version > _held.Version || !ReferenceEquals(_held.Scope, _scope);
        }
        LeavePlace();
        if (hasMore)
            _wakeUps.Writer.TryWrite(true);
        return acked;
    }

    /// <summary>
    /// The node refused a delta and keeps what it had. The same version is not sent again; the next one is, and whole, since
    /// the two sides may disagree on what the node holds.
    /// </summary>
    /// <returns>The version that it refused; null if it was not the one that is out.</returns>
    internal ulong? Nacked(Nack nack)
    {
        lock (_lock)
        {
            if (_outstanding is null || !_outstanding.Nonce.Equals(nack.Nonce))
                return null;
            _nacked = _outstanding.View.Version;
            _outstanding = null;
            _lastNack = nack.Reason;
        }
        LeavePlace();
        _wakeUps.Writer.TryWrite(true);
        return _nacked;
    }

    internal void NoteCertificateProblem(string? problem)
    {
        lock (_lock)
            _certificateProblem = problem;
    }

    /// <summary>What the node says of its redirection.</summary>
    internal void NoteHealth(NodeHealth health)
    {
        lock (_lock)
            _health = health;
    }

    /// <summary>Ends the stream from this side; the first reason counts.</summary>
    internal void End(StatusCode code, string detail)
    {
        lock (_lock)
        {
            if (EndStatus is not null)
                return;
            EndStatus = new Status(code, detail);
        }
        _ended.Cancel();
    }

    /// <summary>Writes what there is to write until the stream ends.</summary>
    /// <param name="sent">Told of each delta, for counting.</param>
    /// <param name="skipped">Told when a version concerns the node in nothing: it counts as acked.</param>
    /// <param name="stop">Ends the writing between two messages.</param>
    /// <param name="abort">
    /// Ends it in the middle of one. Kestrel resets a stream when a write is cancelled, and the node never learns why it
    /// ended: this is for a node that does not read.
    /// </param>
    internal async Task SendAsync(IAsyncStreamWriter<ControllerFrame> writer, Action<EncodedDelta> sent, Action skipped, CancellationToken stop, CancellationToken abort)
    {
        try
        {
            await SendAllAsync(writer, sent, skipped, stop, abort);
        }
        finally
        {
            LeavePlace();
            // Whoever was let in, or is about to be, makes room for the next.
            if (_admission is { } admission)
                _ = admission.ContinueWith(let => { if (let.IsCompletedSuccessfully) views.Room.Release(); }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }

    private async Task SendAllAsync(IAsyncStreamWriter<ControllerFrame> writer, Action<EncodedDelta> sent, Action skipped, CancellationToken stop, CancellationToken abort)
    {
        while (!stop.IsCancellationRequested)
        {
            while (_replies.Reader.TryRead(out var reply))
            {
                reply.Message.Id = _lastId + 1;
                if (reply.Asked is not null && !TryAsk(reply.Message.Id, reply.Asked))
                    continue;
                _lastId++;
                await writer.WriteAsync(ControllerFrame.Of(reply.Message), abort);
            }
            if (TakeBundle() is { } bundle)
                await writer.WriteAsync(ControllerFrame.Of(new ControllerMessage { Id = ++_lastId, TrustBundle = bundle }), abort);
            if (TakeOrder() is { } order)
                await writer.WriteAsync(ControllerFrame.Of(new ControllerMessage { Id = ++_lastId, Order = order }), abort);
            if (TakeChange(out var needsFull) is { } change)
            {
                await writer.WriteAsync(ControllerFrame.OfDelta(++_lastId, change.Parts[0]), abort);
                sent(change);
            }
            else if (needsFull)
            {
                await SendFullAsync(writer, sent, stop, abort);
            }
            if (TakeSkipped())
                skipped();
            await _wakeUps.Reader.ReadAsync(stop);
        }
    }

    /// <summary>The first message of the stream.</summary>
    internal ControllerFrame WelcomeFrame(Welcome welcome) => ControllerFrame.Of(new ControllerMessage { Id = ++_lastId, Welcome = welcome });

    internal SessionStatus StatusNow()
    {
        lock (_lock)
        {
            return new SessionStatus(Node, peer, hello.Software, BootId, _connected, _sent, _held.Version,
                _outstanding?.Since, _lastNack, _certificateProblem, _health);
        }
    }

    // Whoever asked may have given up while the question waited; then nobody would take it off the list again.
    private bool TryAsk(ulong id, TaskCompletionSource<Answer> asked)
    {
        lock (_lock)
            return !asked.Task.IsCompleted && _questions.TryAdd(id, asked);
    }

    private SignedOrder? TakeOrder()
    {
        lock (_lock)
        {
            var order = _order;
            _order = null;
            return order;
        }
    }

    private TrustBundle? TakeBundle()
    {
        lock (_lock)
        {
            var bundle = _bundle;
            _bundle = null;
            return bundle;
        }
    }

    // A full view is large, and ten thousand nodes may want one at once: they are sent one after the other, a few at a time, which takes
    // no longer. What else there is to say to a node does not wait for its turn.
    private async Task SendFullAsync(IAsyncStreamWriter<ControllerFrame> writer, Action<EncodedDelta> sent, CancellationToken stop, CancellationToken abort)
    {
        if (_admission is null)
        {
            _admission = views.Room.WaitAsync(stop);
            if (!_admission.IsCompleted)
                _ = _admission.ContinueWith(_ => _wakeUps.Writer.TryWrite(true), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        }
        if (!_admission.IsCompletedSuccessfully)
            return;
        TakePlace();
        _admission = null;
        var scope = ScopeNow();
        var full = await views.Full.OfAsync(scope, hello.TakesCompressed, above: NotWanted());
        // Who has nothing yet would serve by what was kept, and call in plaintext who has joined since: it gets both as one.
        var rest = views.History.ChangeFrom(full.Version, scope, scope);
        var view = full.FollowedBy(rest);
        if (!TryTake(view, full.Version, scope))
        {
            LeavePlace();
            return;
        }
        for (var i = 0; i < view.Parts.Length; i++)
        {
            stop.ThrowIfCancellationRequested();
            await writer.WriteAsync(ControllerFrame.OfDelta(++_lastId, view.Parts[i], more: i < view.Parts.Length - 1), abort);
        }
        sent(view);
    }

    private void TakePlace()
    {
        LeavePlace();
        Interlocked.Exchange(ref _place, views.Room.Occupy(time));
    }

    private void LeavePlace() => Interlocked.Exchange(ref _place, null)?.Dispose();

    // A full view is kept for a while, and one that is older than what the node holds would take it back.
    private ulong NotWanted()
    {
        lock (_lock)
            return Math.Max(_nacked, Math.Max(LeastLocked(), 1) - 1);
    }

    private ulong LeastLocked() => Math.Max(_least, _held.Version);

    private ViewScope ScopeNow()
    {
        lock (_lock)
            return _scope;
    }

    private EncodedDelta? TakeChange(out bool needsFull)
    {
        needsFull = false;
        lock (_lock)
        {
            if (!_mayHaveView || _outstanding is not null)
                return null;
            var version = views.History.Version;
            if ((version <= _held.Version && ReferenceEquals(_held.Scope, _scope)) || version <= _nacked)
                return null;
            var change = _nacked > _held.Version ? null : views.History.ChangeFrom(_held.Version, _held.Scope, _scope);
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
            Send(change, _scope);
            return change;
        }
    }

    // Not what the node has refused already, nor what is behind it by now: another one is made then.
    private bool TryTake(EncodedDelta view, ulong fullVersion, ViewScope scope)
    {
        lock (_lock)
        {
            if (fullVersion > _nacked && view.Version >= LeastLocked())
            {
                Send(view, scope);
                return true;
            }
        }
        _wakeUps.Writer.TryWrite(true);
        return false;
    }

    private void Send(EncodedDelta delta, ViewScope scope)
    {
        _outstanding = new Outstanding(new HeldView(delta.Version, scope), delta.Nonce, delta.IsFull, time.GetUtcNow());
        _sent = delta.Version;
    }

    private bool TakeSkipped()
    {
        lock (_lock)
        {
            var has = _hasSkipped;
            _hasSkipped = false;
            return has;
        }
    }

    private sealed record Reply(ControllerMessage Message, TaskCompletionSource<Answer>? Asked);
}
