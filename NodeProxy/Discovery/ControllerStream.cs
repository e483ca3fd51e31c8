using Ambient.NodeProxy.Identity;
using Grpc.Core;
using Microsoft.Extensions.Logging;

namespace Ambient.NodeProxy.Discovery;

/// <summary>
/// The node's side of the stream to its controller, kept up for good: connects, serves one session until it ends, waits a little, connects
/// again. Without a controller the node goes on with what it has. Runs outside the data path; what it learns it publishes.
/// </summary>
/// <param name="options">Where and how.</param>
/// <param name="views">Gets every good view.</param>
/// <param name="identities">Gets the certificates.</param>
/// <param name="orders">Gets the orders for Redirector.</param>
/// <param name="reports">What there is to tell the controller.</param>
/// <param name="status">Answers the controller's questions.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">The log.</param>
public sealed class ControllerStream(
    ControllerStreamOptions options,
    MeshViewHolder views,
    IdentityStore identities,
    IOrderCarrier orders,
    ReportOutbox reports,
    INodeStatus status,
    TimeProvider time,
    ILogger logger)
{
    // A stream that lived this long was no failed attempt. Shorter ones count as one, so that a controller that welcomes and breaks off
    // is not asked twenty times a second.
    private static readonly TimeSpan LongEnough = TimeSpan.FromSeconds(1);

    // Another process of this node has the stream: the successor of this one, which is about to be told to leave. Who does not yield takes
    // the stream from the other one again and again. Should the other one be gone, this one is back after a while.
    private static readonly TimeSpan YieldFor = TimeSpan.FromSeconds(30);

    private readonly Backoff _backoff = new(TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(5), Random.Shared.NextDouble);
    private readonly CertificateKeeper _certificates = new(identities, time, Random.Shared.NextDouble);
    private string _lastFailure = "";
    private volatile bool _isConnected;

    /// <summary>The controller has welcomed this node and the stream is up.</summary>
    public bool IsConnected => _isConnected;

    /// <summary>Why the last session ended or did not begin; empty if there was no failure yet.</summary>
    public string LastFailure => Volatile.Read(ref _lastFailure);

    /// <summary>Runs until it is cancelled; ends without an exception then.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        var session = new SessionContext(options, views, identities, orders, reports, status, _certificates, time, logger, connected => _isConnected = connected);
        while (!cancellation.IsCancellationRequested)
        {
            long start = time.GetTimestamp();
            var (failure, isTakenOver) = await RunSessionAsync(session, cancellation);
            _certificates.StreamLost();
            if (cancellation.IsCancellationRequested)
                return;
            if (_isConnected && time.GetElapsedTime(start) >= LongEnough)
                _backoff.Reset();
            if (_isConnected || failure != _lastFailure)
                NodeLog.ControllerLost(logger, options.Controller, failure);
            _isConnected = false;
            Volatile.Write(ref _lastFailure, failure);
            session.CareForCertificates();
            await DelayAsync(isTakenOver ? YieldFor : _backoff.Next(), cancellation);
        }
    }

    private static async Task<(string Failure, bool IsTakenOver)> RunSessionAsync(SessionContext context, CancellationToken cancellation)
    {
        try
        {
            using var session = new ControllerSession(context);
            return (await session.RunAsync(cancellation), false);
        }
        catch (RpcException failure)
        {
            return failure.StatusCode switch
            {
                StatusCode.PermissionDenied or StatusCode.Unauthenticated => ($"it refuses this node ({failure.Status.Detail}); does the token in {context.Options.TokenFile} name {context.Options.Node}?", false),
                StatusCode.Aborted => (failure.Status.Detail, true),
                _ => ($"{failure.StatusCode}: {ReasonOf(failure)}", false),
            };
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or InvalidDataException or System.Security.Cryptography.CryptographicException or OperationCanceledException)
        {
            return (failure.Message, false);
        }
        catch (Exception bug) when (bug is not OutOfMemoryException)
        {
            // A bug here must not leave the node without updates for good; the next session starts from a clean slate.
            NodeLog.ControllerSessionBug(context.Logger, bug);
            return ($"bug: {bug.GetType().Name}", false);
        }
    }

    // gRPC wraps what happened on the connection; the innermost message is the one that names the cause.
    private static string ReasonOf(RpcException failure)
    {
        Exception cause = failure.Status.DebugException ?? failure;
        while (cause.InnerException is { } inner)
            cause = inner;
        return cause is RpcException ? failure.Status.Detail : cause.Message;
    }

    private async Task DelayAsync(TimeSpan delay, CancellationToken cancellation)
    {
        try
        {
            await Task.Delay(delay, time, cancellation);
        }
        catch (OperationCanceledException)
        {
            // The caller looks at the token.
        }
    }
}
