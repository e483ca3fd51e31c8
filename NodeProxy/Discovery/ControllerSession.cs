using System.Collections.Immutable;
using System.Threading.Channels;
using Ambient.Protocol.Discovery.V1;
using Google.Protobuf;
using Grpc.Core;

namespace Ambient.NodeProxy.Discovery;

/// <summary>
/// One stream to the controller, from Hello to its end.
/// <code>
///   Hello ->, &lt;- Welcome, then until the stream ends:
///     &lt;- delta        parts put together; applied and published: Ack; any fault: Nack, and only a full view helps then
///     &lt;- certificate  checked, into the store
///     &lt;- order        handed on unopened
///     &lt;- question     answered
///     due             certificate requests ->
///     reports         -> by the writer, which alone writes, so that a slow controller never keeps this side from reading
/// </code>
/// </summary>
internal sealed class ControllerSession : IDisposable
{
    private const int CertificateRequestsAtOnce = 16;

    // After a refused change a full view may help: a controller that does not send one is asked for it by a new stream. After a refused
    // full view only its next version helps, and that comes by itself.
    private static readonly TimeSpan FullViewPatience = TimeSpan.FromSeconds(30);

    private readonly SessionContext _context;
    private readonly ControllerChannel _channel;
    private readonly Channel<NodeMessage> _outgoing = Channel.CreateUnbounded<NodeMessage>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
    private DeltaAssembler _assembler = new("", new Protocol.Model.SharedValues());
    private DateTimeOffset? _fullViewUntil;

    public ControllerSession(SessionContext context)
    {
        _context = context;
        _channel = new ControllerChannel(context.Options, context.LearntRoots);
    }

    public void Dispose() => _channel.Dispose();

    /// <summary>Runs until the stream ends.</summary>
    /// <returns>Why it ended.</returns>
    public async Task<string> RunAsync(CancellationToken cancellation)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var headers = new Metadata { { "authorization", "Bearer " + (await File.ReadAllTextAsync(_context.Options.TokenFile, cancellation)).Trim() } };
        using AsyncDuplexStreamingCall<NodeMessage, ControllerMessage> call =
            new NodeDiscovery.NodeDiscoveryClient(_channel.Channel).Connect(headers, cancellationToken: ending.Token);
        Task writing = Task.CompletedTask;
        try
        {
            if (!await GreetAsync(call, ending))
                return "it did not begin with a welcome in time";
            writing = WriteAsync(call.RequestStream, ending.Token);
            return await ServeAsync(call.ResponseStream, writing, ending.Token);
        }
        finally
        {
            await ending.CancelAsync();
            await writing.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }

    private async Task<bool> GreetAsync(AsyncDuplexStreamingCall<NodeMessage, ControllerMessage> call, CancellationTokenSource ending)
    {
        using var deadline = new CancellationTokenSource(_context.Options.WelcomeTimeout, _context.Time);
        using CancellationTokenRegistration onDeadline = deadline.Token.Register(ending.Cancel);
        MeshView held = _context.NeedsFullView ? MeshView.Empty : _context.Views.Current;
        var hello = new Hello
        {
            ProtocolVersion = 1,
            Node = _context.Options.Node,
            BootId = _context.Options.BootId(),
            HeldEpoch = held.Epoch,
            HeldVersion = held.Version,
            HeldFingerprint = held.Fingerprint,
            Software = _context.Options.Software,
            Leaving = _context.Options.IsLeaving,
            TakesCompressed = true,
        };
        hello.Capabilities.Add(_context.Options.Capabilities);
        await call.RequestStream.WriteAsync(new NodeMessage { Id = 1, Hello = hello }, ending.Token);
        if (!await call.ResponseStream.MoveNext(ending.Token) || call.ResponseStream.Current.Welcome is not { } welcome)
            return false;
        if (welcome.Epoch.Length == 0)
            throw new InvalidDataException("its welcome names no epoch");

        _assembler = new DeltaAssembler(welcome.Epoch, _context.Shared);
        _context.Certificates.TrustBundle = [.. welcome.TrustBundle.Select(root => root.ToByteArray())];
        _context.ConnectedChanged(true);
        _context.Reports.RepeatStates();
        NodeLog.ControllerConnected(_context.Logger, _context.Options.Controller, welcome.Controller, welcome.Epoch, held.Version);
        return true;
    }

    private async Task<string> ServeAsync(IAsyncStreamReader<ControllerMessage> incoming, Task writing, CancellationToken cancellation)
    {
        Task<bool> next = incoming.MoveNext(cancellation);
        while (true)
        {
            RequestCertificates();
            using (var woken = CancellationTokenSource.CreateLinkedTokenSource(cancellation))
            {
                Task timer = Task.Delay(UntilNext(), _context.Time, woken.Token);
                await Task.WhenAny(next, writing, timer);
                await woken.CancelAsync();
            }
            if (writing.IsCompleted)
            {
                // The stream has ended under the writer; the reader is about to learn why, which is the better reason to give.
                await Task.WhenAny(next, Task.Delay(TimeSpan.FromSeconds(1), _context.Time, cancellation));
                if (!next.IsCompleted)
                    await writing;
            }
            if (_fullViewUntil <= _context.Time.GetUtcNow())
                return "it sent no full view after a refused delta";
            if (!next.IsCompleted)
                continue;
            if (!await next)
                return "it ended the stream";
            Handle(incoming.Current);
            next = incoming.MoveNext(cancellation);
        }
    }

    private void Handle(ControllerMessage message)
    {
        switch (message.BodyCase)
        {
            case ControllerMessage.BodyOneofCase.Delta:
                HandleDelta(message.Delta);
                break;
            case ControllerMessage.BodyOneofCase.Certificate:
                HandleCertificate(message.Certificate);
                break;
            case ControllerMessage.BodyOneofCase.Order:
                _context.Orders.Carry(message.Order);
                break;
            case ControllerMessage.BodyOneofCase.Question:
                Send(new NodeMessage { Answer = AnswerTo(message.Id, message.Question) });
                break;
            case ControllerMessage.BodyOneofCase.TrustBundle:
                _context.Certificates.TrustBundle = [.. message.TrustBundle.Roots.Select(root => root.ToByteArray())];
                NodeLog.RootsChanged(_context.Logger, _context.Certificates.TrustBundle.Length);
                break;
            case ControllerMessage.BodyOneofCase.Welcome:
                throw new InvalidDataException("it welcomed this node twice");
            case ControllerMessage.BodyOneofCase.None:
                NodeLog.MessageFromTheFuture(_context.Logger, message.Id);
                break;
        }
    }

    private void HandleDelta(Delta part)
    {
        if (!_assembler.TryComplete(part, out MeshDelta? delta))
            return;
        MeshView current = _context.Views.Current;
        string? reason = _context.NeedsFullView && !delta.IsFull ? "a full view is needed since a delta was refused" : null;
        if (reason is null && current.TryApply(delta, out MeshView? next, out reason))
        {
            _context.NeedsFullView = false;
            _fullViewUntil = null;
            _context.Views.Publish(next);
            _context.Reports.ForgetEnded(uid => next.TryFindWorkloadByUid(uid, out Protocol.Model.Workload? pod) && pod.Node == _context.Options.Node);
            Send(new NodeMessage { Ack = new Ack { Nonce = part.Nonce, Version = part.Version } });
            NodeLog.ViewPublished(_context.Logger, next.Epoch, next.Version, next.WorkloadCount, next.ServiceCount);
            if (next.ContestedAddresses > current.ContestedAddresses)
                NodeLog.AddressesContested(_context.Logger, next.ContestedAddresses);
            return;
        }
        _context.NeedsFullView = true;
        _fullViewUntil = delta.IsFull ? null : _fullViewUntil ?? (_context.Time.GetUtcNow() + FullViewPatience);
        NodeLog.DeltaRefused(_context.Logger, part.Version, current.Version, reason!);
        Send(new NodeMessage { Nack = new Nack { Nonce = part.Nonce, Version = part.Version, Reason = reason } });
    }

    private void HandleCertificate(CertificateAnswer answer)
    {
        if (_context.Certificates.Answer(answer, out Identity.Svid? svid, out string? reason))
        {
            NodeLog.CertificateIssued(_context.Logger, answer.SpiffeId, svid.Generation, svid.NotAfter);
            return;
        }
        NodeLog.CertificateRefused(_context.Logger, answer.SpiffeId, reason);
        _context.Reports.Certificate(new CertificateProblem { SpiffeId = answer.SpiffeId, Reason = reason });
    }

    private Answer AnswerTo(ulong questionId, Question question) => question.BodyCase switch
    {
        Question.BodyOneofCase.Status => new Answer
        {
            QuestionId = questionId,
            Status = new StatusAnswer
            {
                ViewVersion = _context.Views.Current.Version,
                CapturedPods = (uint)_context.Status.CapturedPods,
                OpenConnections = (uint)_context.Status.OpenConnections,
            },
        },
        Question.BodyOneofCase.Tap or Question.BodyOneofCase.Probe or Question.BodyOneofCase.Explain or Question.BodyOneofCase.None =>
            new Answer { QuestionId = questionId, Unsupported = $"this node cannot answer a question of the kind {question.BodyCase}" },
    };

    private void RequestCertificates()
    {
        _context.CareForCertificates();
        foreach (CertificateRequest request in _context.Certificates.TakeDue(CertificateRequestsAtOnce))
            Send(new NodeMessage { CertificateRequest = request });
    }

    private TimeSpan UntilNext()
    {
        TimeSpan until = _context.Certificates.UntilNext;
        if (_fullViewUntil is { } limit && limit - _context.Time.GetUtcNow() is var left && left < until)
            until = left;
        return until > TimeSpan.Zero ? until : TimeSpan.Zero;
    }

    private void Send(NodeMessage message) => _outgoing.Writer.TryWrite(message);   // never fails: unbounded, and closed by nobody

    // Reports are taken one by one as the stream takes them: while it is slow, newer ones replace those that wait.
    private async Task WriteAsync(IClientStreamWriter<NodeMessage> stream, CancellationToken cancellation)
    {
        ulong id = 1;   // Hello's
        Task<bool>? queued = null;
        while (true)
        {
            if (_outgoing.Reader.TryRead(out NodeMessage? message) || TryTakeReport(out message))
            {
                message.Id = ++id;
                await stream.WriteAsync(message, cancellation);
                continue;
            }
            if (queued is null || queued.IsCompleted)
                queued = _outgoing.Reader.WaitToReadAsync(cancellation).AsTask();
            await Task.WhenAny(queued, _context.Reports.WaitAsync());
            cancellation.ThrowIfCancellationRequested();
        }
    }

    private bool TryTakeReport([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out NodeMessage? message)
    {
        message = _context.Reports.TryTake(out NodeReport? report) ? new NodeMessage { Report = report } : null;
        return message is not null;
    }
}
