using Microsoft.Extensions.Logging;

namespace Ambient.NodeProxy;

/// <summary>The control side's part. Ids: 3000 Discovery, 3200 Identity, 3300 state for the successor, 3400 Admin.</summary>
internal static partial class NodeLog
{
    [LoggerMessage(3000, LogLevel.Information, "Controller {Controller} ({Name}) welcomes this node; epoch {Epoch}, version held {HeldVersion}")]
    public static partial void ControllerConnected(ILogger logger, Uri controller, string name, string epoch, ulong heldVersion);

    [LoggerMessage(3001, LogLevel.Warning, "Controller {Controller} is away: {Reason}. The node goes on with what it has and tries again")]
    public static partial void ControllerLost(ILogger logger, Uri controller, string reason);

    [LoggerMessage(3002, LogLevel.Debug, "View {Epoch}/{Version} is in force: {Workloads} workloads, {Services} services")]
    public static partial void ViewPublished(ILogger logger, string epoch, ulong version, int workloads, int services);

    [LoggerMessage(3003, LogLevel.Error, "Version {Version} of the view is refused, version {Held} stays in force: {Reason}")]
    public static partial void DeltaRefused(ILogger logger, ulong version, ulong held, string reason);

    [LoggerMessage(3004, LogLevel.Warning, "{Count} addresses are claimed by several workloads or services; the further enrolled one is used")]
    public static partial void AddressesContested(ILogger logger, int count);

    [LoggerMessage(3005, LogLevel.Debug, "Message {Id} of the controller has a body that this version does not know; it is ignored")]
    public static partial void MessageFromTheFuture(ILogger logger, ulong id);

    [LoggerMessage(3006, LogLevel.Critical, "The session with the controller hit a bug and was ended")]
    public static partial void ControllerSessionBug(ILogger logger, Exception bug);

    [LoggerMessage(3200, LogLevel.Information, "Certificate of {Identity} is here: generation {Generation}, valid until {NotAfter:O}")]
    public static partial void CertificateIssued(ILogger logger, string identity, long generation, DateTimeOffset notAfter);

    [LoggerMessage(3201, LogLevel.Warning, "No certificate for {Identity}: {Reason}. Asking again")]
    public static partial void CertificateRefused(ILogger logger, string identity, string reason);

    [LoggerMessage(3202, LogLevel.Information, "The roots of the mesh changed: {Roots} are trusted now")]
    public static partial void RootsChanged(ILogger logger, int roots);

    [LoggerMessage(3300, LogLevel.Information, "Restored what the process before left: view {Epoch}/{Version} of {Received:O}, {Certificates} certificates")]
    public static partial void StateRestored(ILogger logger, string epoch, ulong version, DateTimeOffset received, int certificates);

    [LoggerMessage(3301, LogLevel.Warning, "A certificate that the process before left is not used: {Reason}")]
    public static partial void StoredCertificateDropped(ILogger logger, string reason);

    [LoggerMessage(3302, LogLevel.Error, "The state for a successor could not be handed over; a restart would have to wait for the controller")]
    public static partial void StateNotStored(ILogger logger, Exception fault);

    [LoggerMessage(3400, LogLevel.Information, "Metrics and readiness on {Endpoint}")]
    public static partial void AdminServes(ILogger logger, string endpoint);

    [LoggerMessage(3401, LogLevel.Error, "Metrics and readiness cannot be served on {Endpoint}; connections are carried all the same")]
    public static partial void AdminFailed(ILogger logger, string endpoint, Exception fault);

    [LoggerMessage(3403, LogLevel.Warning, "{Endpoint} is in use, by this process's predecessor or by somebody else; metrics and readiness are served there as soon as it is free")]
    public static partial void AdminWaits(ILogger logger, string endpoint);

    [LoggerMessage(3402, LogLevel.Warning, "An answer on {Path} failed")]
    public static partial void AdminAnswerFailed(ILogger logger, string path, Exception fault);
}
