namespace Ambient.NodeProxy.Tunnel;

/// <summary>Who asked for a stream, and is told once how that ended.</summary>
internal interface IStreamOpener
{
    /// <summary>The other side accepted: bytes may flow.</summary>
    void OnOpened(TunnelStream stream);

    /// <summary>The other side answered no; the stream is closed.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="status">The HTTP status.</param>
    /// <param name="reason">What it said, for a person; may be empty.</param>
    void OnRefused(TunnelStream stream, int status, string reason);

    /// <summary>The link or the stream broke before an answer; the stream is closed.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="isUnprocessed">The other side has certainly done nothing (REFUSED_STREAM, above a GOAWAY's last id): safe to try again.</param>
    void OnOpenFailed(TunnelStream stream, bool isUnprocessed);
}
