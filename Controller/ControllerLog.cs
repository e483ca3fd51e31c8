namespace Ambient.Controller;

/// <summary>
/// Everything that the controller says. Ids: 1000 Sources and Model, 1100 Streams, 1200 Authority, 1300 Enrolment,
/// 1400 the process, 1500 Replicas.
/// </summary>
internal static partial class ControllerLog
{
    [LoggerMessage(EventId = 1000, Message = "Source {Folder}: {Objects} objects, {Pods} pods, {Services} services")]
    internal static partial void SourceRead(this ILogger logger, LogLevel level, string folder, int objects, int pods, int services);

    [LoggerMessage(1001, LogLevel.Error, "{Fault}; what the file said before stays in force")]
    internal static partial void SourceBroken(this ILogger logger, string fault);

    [LoggerMessage(1002, LogLevel.Information, "{File} can be read again")]
    internal static partial void SourceMended(this ILogger logger, string file);

    [LoggerMessage(1003, LogLevel.Warning, "Kinds that are not read, and ignored: {Kinds}")]
    internal static partial void KindsIgnored(this ILogger logger, string kinds);

    [LoggerMessage(1004, LogLevel.Error, "Source {Folder} cannot be read ({Reason}); all that it said before stays in force")]
    internal static partial void SourceUnreachable(this ILogger logger, string folder, string reason);

    [LoggerMessage(1005, LogLevel.Warning, "Source {Folder} cannot be watched ({Reason}); it is looked at twice a second")]
    internal static partial void SourceNotWatched(this ILogger logger, string folder, string reason);

    [LoggerMessage(1006, LogLevel.Warning, "{Warning}")]
    internal static partial void ModelWarning(this ILogger logger, string warning);

    [LoggerMessage(1007, LogLevel.Error, "{Key} takes {Bytes} bytes, which is too much: nodes are not told of it")]
    internal static partial void ResourceTooLarge(this ILogger logger, string key, int bytes);

    [LoggerMessage(1008, LogLevel.Error, "No model can be made of the source, which is a bug; the last one stays in force")]
    internal static partial void ModelBug(this ILogger logger, Exception bug);

    [LoggerMessage(1009, LogLevel.Warning, "The copies of files that could last be read cannot be kept: {Reason}")]
    internal static partial void LastGoodUnusable(this ILogger logger, string reason);

    [LoggerMessage(1020, LogLevel.Information, "{Server} answers again")]
    internal static partial void ApiBack(this ILogger logger, string server);

    [LoggerMessage(1021, LogLevel.Warning, "The API server forbids to read {Kind}: {Reason}")]
    internal static partial void KindForbidden(this ILogger logger, string kind, string reason);

    [LoggerMessage(1022, LogLevel.Information, "The API server has forgotten revision {Revision} of {Kind}: it is listed anew")]
    internal static partial void RevisionForgotten(this ILogger logger, string kind, string revision);

    [LoggerMessage(1023, LogLevel.Error, "What the API server says of {Kind} makes no sense ({Reason}): it is listed anew")]
    internal static partial void ApiNonsense(this ILogger logger, string kind, string reason);

    [LoggerMessage(1024, LogLevel.Information, "{Kind} is installed: it is followed")]
    internal static partial void KindInstalled(this ILogger logger, string kind);

    [LoggerMessage(1025, LogLevel.Warning, "{Kind} is no longer installed")]
    internal static partial void KindUninstalled(this ILogger logger, string kind);

    [LoggerMessage(1026, LogLevel.Information, "Source {Server}: read; {Objects} objects in {Seconds:0.0} s")]
    internal static partial void ApiRead(this ILogger logger, string server, int objects, double seconds);

    [LoggerMessage(1027, LogLevel.Warning, "Nothing can be told to the mesh yet: waiting for {Kinds}")]
    internal static partial void SourceIncomplete(this ILogger logger, string kinds);

    [LoggerMessage(1030, LogLevel.Warning, "The status of {Object} is held by another manager, and left to it: {Reason}")]
    internal static partial void StatusHeldByAnother(this ILogger logger, string @object, string reason);

    [LoggerMessage(1031, LogLevel.Information, "Node {Node} has proved itself: its start-up taint is removed")]
    internal static partial void NodeTaintRemoved(this ILogger logger, string node);

    [LoggerMessage(1032, LogLevel.Warning, "The cluster's {What} cannot be written: {Reason}")]
    internal static partial void WriteBackFailed(this ILogger logger, string what, string reason);

    [LoggerMessage(1033, LogLevel.Warning, "{Object} cannot be told what the mesh made of it, and is left alone for a while: {Reason}")]
    internal static partial void WriteRefused(this ILogger logger, string @object, string reason);

    [LoggerMessage(1034, LogLevel.Information, "What the mesh says in the status of {Object} was taken away by another writer again, and is left so for {Seconds:0} s")]
    internal static partial void StatusTakenAway(this ILogger logger, string @object, double seconds);

    [LoggerMessage(1100, LogLevel.Information, "Node {Node} connected from {Peer} ({Software}), holding version {Held}")]
    internal static partial void StreamBegan(this ILogger logger, string node, string peer, string software, ulong held);

    [LoggerMessage(1101, LogLevel.Information, "Node {Node} disconnected {Reason}")]
    internal static partial void StreamEnded(this ILogger logger, string node, string reason);

    [LoggerMessage(1102, LogLevel.Warning, "A stream of {Who} was refused: {Reason}")]
    internal static partial void StreamRefused(this ILogger logger, string who, string reason);

    [LoggerMessage(1103, LogLevel.Information, "A newer stream of node {Node} takes over from an older one")]
    internal static partial void StreamReplaced(this ILogger logger, string node);

    [LoggerMessage(1104, LogLevel.Error, "Node {Node} refused view {Version}: {Reason}")]
    internal static partial void ViewRefused(this ILogger logger, string node, ulong version, string reason);

    [LoggerMessage(1105, LogLevel.Debug, "View {Version} with {Resources} resources")]
    internal static partial void ViewPublished(this ILogger logger, ulong version, int resources);

    [LoggerMessage(1106, LogLevel.Error, "The stream of node {Node} ends by a bug")]
    internal static partial void StreamBug(this ILogger logger, string node, Exception bug);

    [LoggerMessage(1200, LogLevel.Information, "Certificate of {SpiffeId} for node {Node}")]
    internal static partial void CertificateIssued(this ILogger logger, string node, string spiffeId);

    [LoggerMessage(1201, LogLevel.Warning, "No certificate of {SpiffeId} for node {Node}: {Reason}")]
    internal static partial void CertificateRefused(this ILogger logger, string node, string spiffeId, string reason);

    [LoggerMessage(1202, LogLevel.Information, "Order {Version} for node {Node} with {Pods} pods")]
    internal static partial void OrderSigned(this ILogger logger, string node, ulong version, int pods);

    [LoggerMessage(1203, LogLevel.Warning, "Node {Node} has trouble with the certificate of {SpiffeId}: {Reason}")]
    internal static partial void CertificateProblem(this ILogger logger, string node, string spiffeId, string reason);

    [LoggerMessage(1204, LogLevel.Information, "The authority changed: {Issuer} signs, {Roots} roots are trusted")]
    internal static partial void AuthorityChanged(this ILogger logger, string issuer, int roots);

    [LoggerMessage(1205, LogLevel.Error, "The authority's files changed and cannot be used: {Reason}; what was in force stays")]
    internal static partial void AuthorityNotRead(this ILogger logger, string reason);

    [LoggerMessage(1206, LogLevel.Information, "The authority in {Place} was {Origin}: {Issuer} signs")]
    internal static partial void ClusterAuthority(this ILogger logger, string place, string origin, string issuer);

    [LoggerMessage(1207, LogLevel.Warning, "A node's token cannot be judged: {Reason}")]
    internal static partial void TokenNotReviewed(this ILogger logger, string reason);

    [LoggerMessage(1208, LogLevel.Warning, "Node {Node} has {Pods} pods that a label of their own takes {Way} the mesh, of which its orders list {Listed}: do all of them run there?")]
    internal static partial void OrderCut(this ILogger logger, string node, int pods, string way, int listed);

    [LoggerMessage(1300, LogLevel.Warning, "Node {Node} reports on pod {Uid}, which is not its own or not in the mesh; ignored")]
    internal static partial void ForeignReport(this ILogger logger, string node, string uid);

    [LoggerMessage(1301, LogLevel.Warning, "Node {Node} names no boot id: it gets no orders until it does")]
    internal static partial void NodeWithoutBoot(this ILogger logger, string node);

    [LoggerMessage(1302, LogLevel.Information, "Node {Node} was started again: its pods are captured anew")]
    internal static partial void NodeRestarted(this ILogger logger, string node);

    [LoggerMessage(1303, LogLevel.Error, "The record of enrolments cannot be written ({Reason}): a restart of the controller now could disturb captured pods")]
    internal static partial void RecordNotWritten(this ILogger logger, string reason);

    [LoggerMessage(1304, LogLevel.Warning, "The record of enrolments cannot be used ({Reason}): captured pods are learnt from their nodes")]
    internal static partial void RecordUnreadable(this ILogger logger, string reason);

    [LoggerMessage(1305, LogLevel.Information, "Pod {Pod} ({Uid}) on node {Node}: {Phase} {Reason}")]
    internal static partial void PodReported(this ILogger logger, string pod, string uid, string node, Protocol.Discovery.V1.PodPhase phase, string reason);

    [LoggerMessage(1390, LogLevel.Information, "Node {Node} says that its redirection works")]
    internal static partial void RedirectionWorks(this ILogger logger, string node);

    [LoggerMessage(1392, LogLevel.Information, "Nothing proves that the redirection of node {Node} works: {Detail}")]
    internal static partial void RedirectionUnproved(this ILogger logger, string node, string detail);

    [LoggerMessage(1391, LogLevel.Warning, "Node {Node} says that its redirection does not work: {Reason}: {Detail}")]
    internal static partial void RedirectionFails(this ILogger logger, string node, string reason, string detail);

    [LoggerMessage(1400, LogLevel.Information, "Serving nodes on {Listen}, trust domain {TrustDomain}, state in {State}")]
    internal static partial void Started(this ILogger logger, string listen, string trustDomain, string state);

    [LoggerMessage(1401, LogLevel.Information, "Stopping")]
    internal static partial void Stopping(this ILogger logger);

    [LoggerMessage(1402, LogLevel.Information, "A new server certificate, good until {NotAfter:O}")]
    internal static partial void ServerCertificateRenewed(this ILogger logger, DateTimeOffset notAfter);

    [LoggerMessage(1500, LogLevel.Warning, "The Kubernetes API is not to be had ({Reason}): it is tried again")]
    internal static partial void ClusterAway(this ILogger logger, string reason);

    [LoggerMessage(1501, LogLevel.Information, "This replica ({Identity}) writes status and trust bundles from now on, as holder number {Term} of Lease {Lease}")]
    internal static partial void LeaseTaken(this ILogger logger, string identity, string lease, int term);

    [LoggerMessage(1502, LogLevel.Warning, "This replica no longer holds Lease {Lease}: {Reason}")]
    internal static partial void LeaseLost(this ILogger logger, string lease, string reason);

    [LoggerMessage(1503, LogLevel.Warning, "Lease {Lease} cannot be tried: {Reason}")]
    internal static partial void LeaseNotTried(this ILogger logger, string lease, string reason);

    [LoggerMessage(1504, LogLevel.Information, "ConfigMap {Namespace}/{Name}: {What}")]
    internal static partial void TrustWritten(this ILogger logger, string @namespace, string name, string what);

    [LoggerMessage(1505, LogLevel.Warning, "Trust bundles cannot be kept current: {Reason}")]
    internal static partial void TrustNotWritten(this ILogger logger, string reason);

    [LoggerMessage(1509, LogLevel.Warning, "What nodes say cannot be written down for other replicas ({Reason}): it is acted upon all the same, and tried again")]
    internal static partial void JournalNotWritten(this ILogger logger, string reason);

    [LoggerMessage(1510, LogLevel.Warning, "ConfigMap {Namespace}/{Name} {What}, and is left as it is: its namespace gets no trust bundle")]
    internal static partial void TrustOfOthers(this ILogger logger, string @namespace, string name, string what);

    [LoggerMessage(1506, LogLevel.Error, "The cluster has no kind MeshNode: replicas do not know of one another, and a restart learns captured pods from their nodes. Apply deploy/crds")]
    internal static partial void JournalMissing(this ILogger logger);

    [LoggerMessage(1507, LogLevel.Information, "Node {Node} has a newer stream at replica {Replica}")]
    internal static partial void NodeMoved(this ILogger logger, string node, string replica);

    [LoggerMessage(1508, LogLevel.Error, "The journal of node {Node} ends by a bug")]
    internal static partial void JournalBug(this ILogger logger, string node, Exception bug);
}
