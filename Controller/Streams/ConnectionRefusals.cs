using System.Net;
using Ambient.Controller.Authority;
using Microsoft.AspNetCore.Connections;

namespace Ambient.Controller.Streams;

/// <summary>Connections that are refused before they have a stream. A flood is counted, and not written down line by line. Any thread.</summary>
internal sealed class ConnectionRefusals(ControllerMetrics metrics, ILogger logger, TimeProvider time)
{
    // Of each kind, so that whoever scans ports hides no other.
    private readonly RateLimit _handshakeLines = new(20, 1, time);
    private readonly RateLimit _shareLines = new(20, 1, time);

    /// <summary>Whom a connection comes from.</summary>
    internal static IPAddress AddressOf(ConnectionContext connection) => (connection.RemoteEndPoint as IPEndPoint)?.Address ?? IPAddress.None;

    /// <summary>Tells of one.</summary>
    /// <param name="detail">For a person.</param>
    internal void Add(ConnectionContext connection, StreamRefusal reason, string detail)
    {
        metrics.StreamRefused(reason);
        if (LinesOf(reason).TryTake())
            logger.StreamRefused(AddressOf(connection).ToString(), detail);
    }

    private RateLimit LinesOf(StreamRefusal reason) => reason switch
    {
        StreamRefusal.Handshake => _handshakeLines,
        StreamRefusal.AddressShare => _shareLines,
        StreamRefusal.BadToken or StreamRefusal.ExpiredToken or StreamRefusal.Unreviewed or StreamRefusal.OtherNode or StreamRefusal.BadHello
            or StreamRefusal.ProtocolVersion or StreamRefusal.TooOften or StreamRefusal.BadMessage =>
            throw new ArgumentException($"{reason} refuses a stream, not a connection", nameof(reason)),
    };
}
