using System.Collections.Concurrent;
using Ambient.Controller.Authority;
using Ambient.Controller.Replicas;
using Ambient.Controller.Snapshots;
using Ambient.Protocol.Discovery.V1;
using Google.Protobuf;
using Grpc.Core;

namespace Ambient.Controller.Streams;

/// <summary>The gRPC service that nodes connect to: <c>ambient.discovery.v1.NodeDiscovery</c>.</summary>
internal sealed class NodeStreamService(Announcer announcer, ViewSource views, INodeAuthenticator authenticator, CertificateAuthority authority,
    CertificateDesk certificates, PodVigil? vigil, NodeJournal? journal, ControllerMetrics metrics, TimeProvider time, ILogger logger)
{
    /// <summary>How long a stream may take to say Hello.</summary>
    internal static readonly TimeSpan HelloWait = TimeSpan.FromSeconds(10);

    /// <summary>How long the last write of a stream that ends may take.</summary>
    internal static readonly TimeSpan LastWriteWait = TimeSpan.FromMilliseconds(250);

    private const uint ProtocolVersion = 1;
    private const int MaxTextLength = 256;
    private const int MaxCapabilities = 32;
    private const int MaxReasonLength = 2048;

    /// <summary>Streams that a node may begin at once: a NodeProxy that is replaced twenty times over, thrice.</summary>
    internal const int ConnectBurst = 60;

    /// <summary>Streams that a node may begin in a second in the long run. Each may cost a whole view.</summary>
    internal const int ConnectsPerSecond = 1;

    // By node: a token is needed to get here, and tokens bound how many nodes there can be.
    private readonly ConcurrentDictionary<string, RateLimit> _connects = new();

    /// <summary>
    /// One stream, from its first byte to its last: 1. the token says who it is; 2. Hello says what it has; 3. Welcome;
    /// 4. both directions at once, until either ends.
    /// </summary>
    internal async Task ConnectAsync(IAsyncStreamReader<NodeMessage> reader, IServerStreamWriter<ControllerFrame> writer, ServerCallContext context)
    {
        var claim = await IdentifyAsync(context);
        var node = claim.Node;
        var hello = await ReadHelloAsync(reader, node, context.CancellationToken);
        var session = new NodeSession(hello, context.Peer, views, announcer.Turns, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, session.Ended);

        var bundle = BundleOf(authority);
        await writer.WriteAsync(session.WelcomeFrame(new Welcome
        {
            ProtocolVersion = ProtocolVersion,
            Controller = CertificateAuthority.ServerName,
            Epoch = views.History.Epoch,
            TrustBundle = { bundle.Roots },
        }), either.Token);

        if (claim.Pod is { } pod)
            vigil?.Follow(session, pod);
        announcer.Attach(session);
        if (!session.IsLeaving)
            journal?.Began(session);
        // Roots that changed between the two were told to those who were attached.
        if (!BundleOf(authority).Equals(bundle))
            session.OfferBundle(BundleOf(authority));
        logger.StreamBegan(node, context.Peer, hello.Software, hello.HeldVersion);
        using var abort = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken);
        var sending = session.SendAsync(writer, metrics.DeltaSent, announcer.AckedOrSkipped, either.Token, abort.Token);
        var receiving = ReceiveAsync(reader, session, either.Token);
        var first = await Task.WhenAny(sending, receiving);
        announcer.Detach(session);
        vigil?.Forget(session);
        journal?.Ended(session);
        EndBy(session, first.Exception?.InnerException);
        // Neither may go on when this method has ended: what they read and write is no longer ours then. A write that is on
        // its way gets the time to arrive, so that the end's reason can follow it.
        abort.CancelAfter(LastWriteWait);
        await Task.WhenAll(sending, receiving).ContinueWith(_ => { }, CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        logger.StreamEnded(node, session.EndStatus!.Value.Detail);
        if (session.EndStatus is { StatusCode: not StatusCode.OK } status)
            throw new RpcException(status);
    }

    /// <summary>The roots as nodes are told of them.</summary>
    internal static TrustBundle BundleOf(CertificateAuthority authority) => new() { Roots = { authority.TrustBundle.Select(r => ByteString.CopyFrom(r)) } };

    // Says how a stream ends that was not ended from this side before.
    private void EndBy(NodeSession session, Exception? fault)
    {
        switch (fault)
        {
            case null: // the node said that it is done, or the stream was cancelled by either side
                session.End(StatusCode.OK, "");
                break;
            case RpcException refused: // a message that is too large, or none of ours
                EndForMessage(session, refused.StatusCode, refused.Status.Detail);
                break;
            case IOException lost:
                session.End(StatusCode.OK, lost.Message);
                break;
            default:
                logger.StreamBug(session.Node, fault);
                session.End(StatusCode.Internal, "a bug of the controller");
                break;
        }
    }

    private void EndForMessage(NodeSession session, StatusCode code, string detail)
    {
        metrics.StreamRefused(StreamRefusal.BadMessage);
        session.End(code, detail);
    }

    private async ValueTask<NodeClaim> IdentifyAsync(ServerCallContext context)
    {
        const string Scheme = "Bearer ";
        var header = context.RequestHeaders.GetValue("authorization");
        if (header is null || !header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
            throw Refused(context.Peer, StreamRefusal.BadToken, StatusCode.Unauthenticated, "expected metadata `authorization: Bearer <token>`");
        var claim = await authenticator.IdentifyAsync(header[Scheme.Length..], context.Peer, context.CancellationToken);
        if (claim.Fault != TokenFault.None)
            throw RefusedFor(claim, context.Peer);
        var node = claim.Node;
        return _connects.GetOrAdd(node, _ => new RateLimit(ConnectBurst, ConnectsPerSecond, time)).TryTake()
            ? claim
            : throw Refused(node, StreamRefusal.TooOften, StatusCode.ResourceExhausted, $"node {node} connects more than once a second: try again later");
    }

    private RpcException RefusedFor(NodeClaim claim, string peer)
    {
        var (refusal, code) = claim.Fault switch
        {
            TokenFault.None => throw new ArgumentException("The token was not refused.", nameof(claim)),
            TokenFault.Bad => (StreamRefusal.BadToken, StatusCode.Unauthenticated),
            TokenFault.Expired => (StreamRefusal.ExpiredToken, StatusCode.Unauthenticated),
            TokenFault.TooOften => (StreamRefusal.TooOften, StatusCode.ResourceExhausted),
            TokenFault.Unreviewed => (StreamRefusal.Unreviewed, StatusCode.Unavailable),
        };
        return Refused(peer, refusal, code, claim.Reason);
    }

    private async Task<Hello> ReadHelloAsync(IAsyncStreamReader<NodeMessage> reader, string node, CancellationToken cancellation)
    {
        using var timer = new CancellationTokenSource(HelloWait, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, timer.Token);
        bool isThere;
        try
        {
            isThere = await reader.MoveNext(either.Token);
        }
        catch (Exception) when (timer.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw Refused(node, StreamRefusal.BadHello, StatusCode.DeadlineExceeded, "expected a Hello sooner");
        }
        if (!isThere || reader.Current.BodyCase != NodeMessage.BodyOneofCase.Hello)
            throw Refused(node, StreamRefusal.BadHello, StatusCode.InvalidArgument, "expected a Hello as the first message");

        var hello = reader.Current.Hello;
        if (hello.ProtocolVersion != ProtocolVersion)
            throw Refused(node, StreamRefusal.ProtocolVersion, StatusCode.FailedPrecondition, $"this controller speaks protocol version {ProtocolVersion}, not {hello.ProtocolVersion}");
        if (hello.Node != node)
            throw Refused(node, StreamRefusal.OtherNode, StatusCode.PermissionDenied, $"the token is for node {node}, and the stream says that it is another one");
        if (hello.BootId.Length > MaxTextLength || hello.Software.Length > MaxTextLength || hello.HeldEpoch.Length > MaxTextLength
            || hello.Capabilities.Count > MaxCapabilities || hello.Capabilities.Any(c => c.Length > MaxTextLength))
        {
            throw Refused(node, StreamRefusal.BadHello, StatusCode.InvalidArgument, $"expected texts of at most {MaxTextLength} characters and at most {MaxCapabilities} capabilities");
        }
        return hello;
    }

    private async Task ReceiveAsync(IAsyncStreamReader<NodeMessage> reader, NodeSession session, CancellationToken cancellation)
    {
        var lastId = reader.Current.Id; // Hello's
        while (await reader.MoveNext(cancellation))
        {
            var message = reader.Current;
            // Answers refer to ids: one that comes again could be taken for the answer to something else.
            if (message.Id <= lastId)
            {
                EndForMessage(session, StatusCode.InvalidArgument, $"expected an id above {lastId}, not {message.Id}");
                return;
            }
            lastId = message.Id;
            Shorten(message);
            switch (message.BodyCase)
            {
                case NodeMessage.BodyOneofCase.Ack:
                    if (session.Acked(message.Ack) is { } acked)
                    {
                        metrics.Acked(time.GetUtcNow() - acked.Since);
                        announcer.AckedOrSkipped();
                    }
                    break;
                case NodeMessage.BodyOneofCase.Nack:
                    if (session.Nacked(message.Nack) is { } refused)
                    {
                        metrics.Nacks.Inc();
                        journal?.Touch(session.Node);
                        logger.ViewRefused(session.Node, refused, message.Nack.Reason);
                    }
                    break;
                case NodeMessage.BodyOneofCase.CertificateRequest:
                    var answer = certificates.Answer(session.Node, message.Id, message.CertificateRequest, out var refusal);
                    Count(session.Node, answer, refusal);
                    await session.ReplyAsync(new ControllerMessage { Certificate = answer }, cancellation);
                    break;
                case NodeMessage.BodyOneofCase.Report:
                    TakeReport(session, message.Report);
                    break;
                case NodeMessage.BodyOneofCase.Answer:
                    session.Answered(message.Answer);
                    break;
                case NodeMessage.BodyOneofCase.Hello:
                    EndForMessage(session, StatusCode.InvalidArgument, "expected only one Hello on a stream");
                    return;
                case NodeMessage.BodyOneofCase.None: // of a later version of the protocol
                    break;
            }
        }
    }

    // What a node says to people is kept and logged: it must not fill memory or the log.
    private static void Shorten(NodeMessage message)
    {
        if (message.Nack is { Reason.Length: > MaxReasonLength } nack)
            nack.Reason = nack.Reason[..MaxReasonLength];
        if (message.Report?.Pod is { Reason.Length: > MaxReasonLength } pod)
            pod.Reason = pod.Reason[..MaxReasonLength];
        if (message.Report?.Certificate is { } problem && problem.Reason.Length + problem.SpiffeId.Length > MaxReasonLength)
            message.Report.Certificate = new CertificateProblem { Reason = "a problem that takes too long to tell" };
        if (message.Report?.Health is { } health && health.Reason.Length + health.Detail.Length > MaxReasonLength)
            message.Report.Health = new NodeHealth { Ok = health.Ok, Reason = "TooLong", Detail = "a state that takes too long to tell" };
    }

    private void TakeReport(NodeSession session, NodeReport report)
    {
        if (session.IsLeaving)
            return; // what a node's pods are doing is told by the process that took over
        switch (report.BodyCase)
        {
            case NodeReport.BodyOneofCase.Pod:
                if (journal is not null)
                    journal.Report(session, report.Pod);
                else
                    announcer.Report(session.Node, report.Pod);
                break;
            case NodeReport.BodyOneofCase.Certificate:
                metrics.CertificateProblems.Inc();
                logger.CertificateProblem(session.Node, report.Certificate.SpiffeId, report.Certificate.Reason);
                session.NoteCertificateProblem($"{report.Certificate.SpiffeId}: {report.Certificate.Reason}");
                break;
            case NodeReport.BodyOneofCase.Health:
                session.NoteHealth(report.Health);
                journal?.Touch(session.Node);
                LogHealth(session.Node, report.Health);
                break;
            case NodeReport.BodyOneofCase.Counters or NodeReport.BodyOneofCase.Edges or NodeReport.BodyOneofCase.None:
                break; // nobody asks for these yet
        }
    }

    private void LogHealth(string node, NodeHealth health)
    {
        switch (HealthState.Of(health))
        {
            case HealthState.Ready:
                logger.RedirectionWorks(node);
                break;
            case HealthState.Unknown:
                logger.RedirectionUnproved(node, health.Detail);
                break;
            default:
                logger.RedirectionFails(node, health.Reason, health.Detail);
                break;
        }
    }

    private void Count(string node, CertificateAnswer answer, CertificateRefusal refusal)
    {
        if (refusal == CertificateRefusal.None)
        {
            metrics.CertificatesIssued.Inc();
            logger.CertificateIssued(node, answer.SpiffeId);
        }
        else
        {
            metrics.CertificateRefused(refusal);
            logger.CertificateRefused(node, answer.SpiffeId, answer.Refusal);
        }
    }

    private RpcException Refused(string who, StreamRefusal reason, StatusCode code, string detail)
    {
        metrics.StreamRefused(reason);
        logger.StreamRefused(who, detail);
        return new RpcException(new Status(code, detail));
    }
}
