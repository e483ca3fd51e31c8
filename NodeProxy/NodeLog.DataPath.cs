using System.Net;
using Ambient.Native.Descriptors;
using Ambient.NodeProxy.Telemetry;
using Ambient.Protocol.Discovery.V1;
using Microsoft.Extensions.Logging;

namespace Ambient.NodeProxy;

/// <summary>
/// Everything this process says, one method a message. Ids: 1000 Engine, 1200 Capture, 1400 Outbound and Inbound, 1600 Tunnel,
/// 1900 process, 3000 control side.
/// </summary>
internal static partial class NodeLog
{
    [LoggerMessage(1000, LogLevel.Critical, "Loop {Loop}: a connection hit a bug and was aborted")]
    public static partial void LoopBug(ILogger logger, int loop, Exception bug);

    [LoggerMessage(1001, LogLevel.Information, "The system gives {Limit} descriptors; connections may hold {ForConnections} of them")]
    public static partial void DescriptorLimit(ILogger logger, long limit, long forConnections);

    [LoggerMessage(1002, LogLevel.Error, "{Used} of {Limit} MiB of memory are used, which is more than {Percent} %: new connections are refused until it is less")]
    public static partial void MemoryShort(ILogger logger, long used, long limit, int percent);

    [LoggerMessage(1003, LogLevel.Information, "{Used} of {Limit} MiB of memory are used: new connections are taken again")]
    public static partial void MemoryAgain(ILogger logger, long used, long limit);

    [LoggerMessage(1200, LogLevel.Information, "Redirector of node {Node} answers; its order in force is version {OrderVersion}")]
    public static partial void RedirectorConnected(ILogger logger, string node, ulong orderVersion);

    [LoggerMessage(1201, LogLevel.Warning, "Redirector is away: {Reason}. Captured pods go on; no new sockets until it is back")]
    public static partial void RedirectorLost(ILogger logger, string reason);

    [LoggerMessage(1202, LogLevel.Warning, "Redirector cannot be reached; trying again every 50 ms. Is ambient-redirector running on this node?")]
    public static partial void RedirectorAway(ILogger logger);

    [LoggerMessage(1210, LogLevel.Error, "Redirector speaks version {Theirs} of the protocol between it and this program, which speaks {Ours}: no pod is served anew until one of them is replaced")]
    public static partial void RedirectorOfAnotherVersion(ILogger logger, uint theirs, uint ours);

    [LoggerMessage(1203, LogLevel.Warning, "A message of Redirector ({Bytes} bytes) cannot be read; it is dropped")]
    public static partial void RedirectorMessageUnreadable(ILogger logger, int bytes);

    [LoggerMessage(1204, LogLevel.Warning, "Redirector refused order {Version}: {Reason}")]
    public static partial void OrderRefused(ILogger logger, ulong version, string reason);

    [LoggerMessage(1205, LogLevel.Information, "Listeners of pod {Uid} are here; its home is loop {Loop}")]
    public static partial void ListenersArrived(ILogger logger, string uid, int loop);

    [LoggerMessage(1206, LogLevel.Information, "Pod {Uid}: {Phase} {Reason}")]
    public static partial void PodStatus(ILogger logger, string uid, PodPhase phase, string reason);

    [LoggerMessage(1207, LogLevel.Warning, "Capture of pod {Uid} was disturbed ({What}) and mended in {Milliseconds} ms")]
    public static partial void CaptureMended(ILogger logger, string uid, string what, double milliseconds);

    [LoggerMessage(1208, LogLevel.Warning, "The state of the process before cannot be used: {Reason}")]
    public static partial void StateUnreadable(ILogger logger, string reason);

    [LoggerMessage(1209, LogLevel.Error, "Pod {Uid}: the system gives no more descriptors ({Error}); connections wait in the backlog")]
    public static partial void AcceptExhausted(ILogger logger, string uid, Errno error);

    [LoggerMessage(1400, LogLevel.Information, "Refused at the {Side}: {Reason}; pod {Pod}, client {Client}, target {Target}: {Detail}")]
    public static partial void Refused(
        ILogger logger, Reporter side, RefusalReason reason, string pod, IPEndPoint? client, IPEndPoint? target, string detail);

    [LoggerMessage(1401, LogLevel.Warning, "{Count} more refusals in a second were counted, not logged")]
    public static partial void RefusalsSilenced(ILogger logger, long count);

    [LoggerMessage(1402, LogLevel.Debug, "Probe from {Client} to {Target} of pod {Pod} passes STRICT: {Rule}")]
    public static partial void ProbePassed(ILogger logger, IPEndPoint client, IPEndPoint target, string pod, string rule);

    [LoggerMessage(1600, LogLevel.Debug, "Link with {Peer} ended: {Reason}")]
    public static partial void LinkEnded(ILogger logger, IPEndPoint peer, string reason);

    [LoggerMessage(1601, LogLevel.Information, "No link to {Peer}: {Reason}: {Detail}")]
    public static partial void LinkFailed(ILogger logger, IPEndPoint peer, RefusalReason reason, string detail);

    [LoggerMessage(1602, LogLevel.Warning, "A handshake of a certificate with itself fails, as peers' handshakes with it may: {Reason}")]
    public static partial void RehearsalFailed(ILogger logger, string reason);

    [LoggerMessage(1903, LogLevel.Information, "Service addresses reach this process: the node is well")]
    public static partial void NodeHealthy(ILogger logger);

    [LoggerMessage(1904, LogLevel.Warning, "The node is degraded: {Reason}: {Detail}")]
    public static partial void NodeDegraded(ILogger logger, string reason, string detail);

    [LoggerMessage(1900, LogLevel.Information, "Node {Node} serves with {Loops} loops")]
    public static partial void Serving(ILogger logger, string node, int loops);

    [LoggerMessage(1901, LogLevel.Information, "Leaving: no new connections; {Count} go on for at most {Seconds} s")]
    public static partial void Leaving(ILogger logger, int count, double seconds);

    [LoggerMessage(1902, LogLevel.Information, "Gone; {Count} connections were cut")]
    public static partial void Gone(ILogger logger, int count);

    [LoggerMessage(1905, LogLevel.Critical, "A bug: {Piece} has ended, without which this node cannot go on. It drains and ends")]
    public static partial void BackgroundEnded(ILogger logger, string piece);

    [LoggerMessage(1906, LogLevel.Critical, "A bug: {Piece} failed")]
    public static partial void BackgroundFailed(ILogger logger, string piece, Exception? fault);
}
