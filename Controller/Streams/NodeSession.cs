using System.Collections.Immutable;
using System.Threading.Channels;
using Ambient.Controller.Snapshots;
using Ambient.Protocol.Discovery.V1;
using Grpc.Core;

namespace Ambient.Controller.Streams;

/// <summary>
/// The state of one node's stream: what it has, what is on its way, what waits. A node gets the newest view and the newest
/// order whenever it has dealt with what was sent before, never a queue of them; what it holds here does not grow with the
/// changes that it misses. Any thread may call it, except <see cref="SendAsync"/>, which runs once.
/// </summary>
internal sealed class NodeSession
{
    // Answers to certificate requests; a node that does not read them is not read from either.
    private const int MaxReplies = 64;
    private const int MaxQuestions = 16;

    private readonly Lock _lock = new();
    private readonly Channel<Reply> _replies = Channel.CreateBounded<Reply>(MaxReplies);
    private readonly Channel<bool> _wakeUps = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly CancellationTokenSource _ended = new(); // never disposed: a late End must find it, and it owns no timer
    private readonly Dictionary<ulong, TaskCompletionSource<Answer>> _questions = [];
    private readonly DateTimeOffset _connected;
    private readonly ViewProgress _progress;
    private readonly FullViewTurn _turn;
    private readonly PushTurn _pushes;
    private readonly Hello _hello;
    private readonly string _peer;
    private readonly ViewSource _views;
    private SignedOrder? _order;
    private TrustBundle? _bundle;
    private string? _certificateProblem;
    private NodeHealth? _health;
    private ulong _lastId;

    internal NodeSession(Hello hello, string peer, ViewSource views, PushTurns turns, TimeProvider time)
    {
        (_hello, _peer, _views, _connected) = (hello, peer, views, time.GetUtcNow());
        // What another controller told the node is no older than what we knew when it came: a view of before would take something back.
        _progress = new ViewProgress(views.History, least: HoldsForeignView ? views.History.Version : 0,
            HoldsForeignView ? ViewFingerprint.Read(hello.HeldFingerprint) : null, time);
        _turn = new FullViewTurn(views.Room, time, () => _wakeUps.Writer.TryWrite(true));
        _pushes = new PushTurn(turns, () => _wakeUps.Writer.TryWrite(true));
        Capabilities = [.. hello.Capabilities.Distinct().Order(StringComparer.Ordinal)];
    }

    internal string Node => _hello.Node;

    internal string BootId => _hello.BootId;

    internal ImmutableArray<string> Capabilities { get; }

    /// <summary>Of a process that drains beside its successor, whose stream is the node's.</summary>
    internal bool IsLeaving => _hello.Leaving;

    /// <summary>Whether the node serves by a view of another controller process, which a first view of ours would replace.</summary>
    internal bool HoldsForeignView => _hello.HeldVersion > 0 && _hello.HeldEpoch != _views.History.Epoch;

    /// <summary>
    /// The version that the node says to hold: it counts only within our epoch; what it says to hold of our future is nonsense. 0 for none.
    /// </summary>
    internal ulong HeldVersion => _hello.HeldEpoch == _views.History.Epoch && _hello.HeldVersion <= _views.History.Version ? _hello.HeldVersion : 0;

    /// <summary>Why the stream was ended from this side; null if it was not.</summary>
    internal Status? EndStatus { get; private set; }

    /// <summary>Cancelled when the stream is ended from this side.</summary>
    internal CancellationToken Ended => _ended.Token;

    internal ulong AckedVersion => _progress.AckedVersion;

    /// <inheritdoc cref="ViewProgress.MayHold"/>
    internal IReadOnlyList<HeldView> MayHold => _progress.MayHold;

    /// <summary>Says what the node holds, before it is offered anything.</summary>
    internal void Begin(HeldView held) => _progress.Begin(held);

    /// <summary>Says what the node is to be told of from now on.</summary>
    internal void SetScope(ViewScope scope) => _progress.SetScope(scope);

    /// <summary>The view may be sent from now on, and has changed or may have. A node that is still to answer gets it with its answer.</summary>
    internal void OfferView()
    {
        if (_progress.Allow())
            _pushes.Ask();
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
        var acked = _progress.Acked(ack, out var hasMore);
        if (acked is not null)
            _turn.Leave();
        if (acked is { IsFull: false })
            _pushes.Acked();
        if (hasMore)
            _pushes.Ask();
        return acked;
    }

    /// <summary>
    /// The node refused a delta and keeps what it had. The same version is not sent again; the next one is, and whole, since
    /// the two sides may disagree on what the node holds.
    /// </summary>
    /// <returns>The version that it refused; null if it was not the one that is out.</returns>
    internal ulong? Nacked(Nack nack)
    {
        var refused = _progress.Nacked(nack);
        if (refused is not null)
        {
            _turn.Leave();
            _wakeUps.Writer.TryWrite(true);
        }
        return refused;
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
            _turn.End();
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
            _pushes.Begin();
            if (_progress.TakeChange(out var needsFull) is { } change)
            {
                _pushes.Told();
                await writer.WriteAsync(ControllerFrame.OfDelta(++_lastId, change.Parts[0]), abort);
                sent(change);
            }
            else if (needsFull)
            {
                await SendFullAsync(writer, sent, stop, abort);
            }
            if (_progress.TakeSkipped())
            {
                _pushes.Told();
                skipped();
            }
            await _wakeUps.Reader.ReadAsync(stop);
        }
    }

    /// <summary>The first message of the stream.</summary>
    internal ControllerFrame WelcomeFrame(Welcome welcome) => ControllerFrame.Of(new ControllerMessage { Id = ++_lastId, Welcome = welcome });

    internal SessionStatus StatusNow()
    {
        var (sent, acked, since, nack) = _progress.Now;
        lock (_lock)
            return new SessionStatus(Node, _peer, _hello.Software, BootId, _connected, sent, acked, since, nack, _certificateProblem, _health);
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

    // What else there is to say to a node does not wait for its turn.
    private async Task SendFullAsync(IAsyncStreamWriter<ControllerFrame> writer, Action<EncodedDelta> sent, CancellationToken stop, CancellationToken abort)
    {
        if (!_turn.TryEnter(stop))
            return;
        var scope = _progress.Scope;
        var full = await _views.Full.OfAsync(scope, _hello.TakesCompressed, above: _progress.NotWanted);
        // Who has nothing yet would serve by what was kept, and call in plaintext who has joined since: it gets both as one.
        var rest = _views.History.ChangeFrom(full.Version, scope, scope);
        var view = full.FollowedBy(rest);
        if (!_progress.TryTakeFull(view, full.Version, scope))
        {
            _turn.Leave();
            _wakeUps.Writer.TryWrite(true);
            return;
        }
        for (var i = 0; i < view.Parts.Length; i++)
        {
            stop.ThrowIfCancellationRequested();
            await writer.WriteAsync(ControllerFrame.OfDelta(++_lastId, view.Parts[i], more: i < view.Parts.Length - 1), abort);
        }
        sent(view);
    }

    private sealed record Reply(ControllerMessage Message, TaskCompletionSource<Answer>? Asked);
}
