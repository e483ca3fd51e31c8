using Microsoft.Extensions.Logging;

namespace Ambient.Redirector;

/// <summary>Everything this process says. Ids: 5000 process, 5100 orders and pods, 5200 NodeProxies, 5300 mending, 5400 starts of pods, 5500 canary.</summary>
internal static partial class RedirectorLog
{
    [LoggerMessage(5000, LogLevel.Information, "redirector of node {Node} started, boot {BootId}")]
    public static partial void Started(this ILogger log, string node, string bootId);

    [LoggerMessage(5001, LogLevel.Information, "another redirector holds {Path}: waiting until it ends")]
    public static partial void WaitingForLock(this ILogger log, string path);

    [LoggerMessage(5002, LogLevel.Information, "ended: rules and listeners stay as they are")]
    public static partial void Ended(this ILogger log);

    [LoggerMessage(5100, LogLevel.Information, "order {Version} accepted: {Pods} pods")]
    public static partial void OrderAccepted(this ILogger log, ulong version, int pods);

    [LoggerMessage(5101, LogLevel.Information, "stored order {Version} of boot {BootId} taken up: {Pods} pods")]
    public static partial void OrderRestored(this ILogger log, ulong version, string bootId, int pods);

    [LoggerMessage(5102, LogLevel.Error, "stored order not taken up: {Reason}")]
    public static partial void StoredOrderRefused(this ILogger log, string reason);

    [LoggerMessage(5103, LogLevel.Warning, "pod {Namespace}/{Name} ({Uid}) of the order refused: {Reason}")]
    public static partial void PodRefused(this ILogger log, string uid, string @namespace, string name, string reason);

    [LoggerMessage(5104, LogLevel.Information, "pod {Namespace}/{Name} ({Uid}): {Phase} {Reason}")]
    public static partial void PodPhaseChanged(this ILogger log, string uid, string @namespace, string name, Protocol.Discovery.V1.PodPhase phase, string reason);

    [LoggerMessage(5105, LogLevel.Information, "pod {Uid}: the kernel has no nf_conntrack_tcp_loose; connections from before capture leave conntrack entries")]
    public static partial void NoLooseSetting(this ILogger log, string uid);

    [LoggerMessage(5106, LogLevel.Information, "pod {Uid}: no IPv6 in its namespace, only IPv4 is captured")]
    public static partial void NoIpv6(this ILogger log, string uid);

    [LoggerMessage(5107, LogLevel.Information, "pod {Uid}: listeners taken back from NodeProxy")]
    public static partial void ListenersTakenBack(this ILogger log, string uid);

    [LoggerMessage(5108, LogLevel.Warning, "pod {Uid}: listeners of the redirector before refused: {Reason}")]
    public static partial void InheritedListenersRefused(this ILogger log, string uid, string reason);

    [LoggerMessage(5109, LogLevel.Information, "the controller's order key was replaced: {Path}")]
    public static partial void OrderKeyTaken(this ILogger log, string path);

    [LoggerMessage(5110, LogLevel.Warning, "the order key of before stays, since {Path} cannot be taken up: {Reason}")]
    public static partial void OrderKeyNotTaken(this ILogger log, string path, string reason);

    [LoggerMessage(5200, LogLevel.Information, "NodeProxy says Hello and holds {Pods} pods; {Connected} connected")]
    public static partial void NodeGreeted(this ILogger log, int pods, int connected);

    [LoggerMessage(5201, LogLevel.Information, "NodeProxy left ({Reason}); {Connected} connected")]
    public static partial void NodeLeft(this ILogger log, string reason, int connected);

    [LoggerMessage(5202, LogLevel.Warning, "NodeProxy does not read its channel: its session is over")]
    public static partial void NodeSilent(this ILogger log);

    [LoggerMessage(5203, LogLevel.Warning, "process {ProcessId} of user {UserId} refused at the socket: only user {Allowed} may connect")]
    public static partial void PeerRefused(this ILogger log, int processId, uint userId, uint allowed);

    [LoggerMessage(5204, LogLevel.Warning, "refused ({Counter}) from NodeProxy {Seniority}: {Reason}")]
    public static partial void Refused(this ILogger log, string counter, long seniority, string reason);

    [LoggerMessage(5300, LogLevel.Warning, "pod {Uid}: capture mended in {Milliseconds:0.0} ms: {What}")]
    public static partial void Mended(this ILogger log, string uid, string what, double milliseconds);

    [LoggerMessage(5301, LogLevel.Warning, "pod {Uid}: {Program} ({ProcessId}) writes the rules again and again: mended at most 5 times a second")]
    public static partial void MendingSlowed(this ILogger log, string uid, string program, uint processId);

    [LoggerMessage(5303, LogLevel.Warning, "pod {Uid}: what is no TCP cannot be counted, tried again: {Reason}")]
    public static partial void NonTcpNotCounted(this ILogger log, string uid, string reason);

    [LoggerMessage(5302, LogLevel.Error, "pod {Uid}: capture not mended, tried again: {Reason}")]
    public static partial void MendingFailed(this ILogger log, string uid, string reason);

    [LoggerMessage(5400, LogLevel.Information, "pod {Namespace}/{Name} ({Uid}) starts captured after {Milliseconds:0.0} ms")]
    public static partial void StartCaptured(this ILogger log, string @namespace, string name, string uid, double milliseconds);

    [LoggerMessage(5401, LogLevel.Error, "pod {Namespace}/{Name} ({Uid}) cannot start: {Reason}")]
    public static partial void StartFailed(this ILogger log, string @namespace, string name, string uid, string reason);

    [LoggerMessage(5402, LogLevel.Warning, "{What}")]
    public static partial void CniInstalled(this ILogger log, string what);

    [LoggerMessage(5403, LogLevel.Error, "the CNI plugin is not installed, tried again: {Reason}")]
    public static partial void CniNotInstalled(this ILogger log, string reason);

    [LoggerMessage(5500, LogLevel.Information, "canary: {Service} reaches NodeProxy as it is")]
    public static partial void CanaryWell(this ILogger log, string service);

    [LoggerMessage(5501, LogLevel.Error, "canary: {Reason}: {Detail}")]
    public static partial void CanaryFailed(this ILogger log, string reason, string detail);

    [LoggerMessage(5304, LogLevel.Information, "pod {Uid}: what met the rules while they were loaded: {Found}")]
    public static partial void GapCleaned(this ILogger log, string uid, string found);
}
