using System.Net.Sockets;
using Ambient.Native.Tls;
using Ambient.Tests.Unit.Native.Tls;

namespace Ambient.Tests.Unit.Inbound;

/// <summary>What came of a handshake that may resume another.</summary>
/// <param name="IsResumed">It did.</param>
/// <param name="IsRefused">The server did not take the client.</param>
/// <param name="Ticket">For the next one.</param>
internal sealed record Resumption(bool IsResumed, bool IsRefused, TlsTicket? Ticket);

/// <summary>Handshakes with tickets, which .NET's client keeps to itself.</summary>
internal static class Resuming
{
    public static async Task<Resumption> ResumeAsync(this InboundWorld world, TlsContext client, TlsTicket? ticket)
    {
        var socket = await world.DialAsync();
        return await Task.Run(() =>
        {
            socket.ReceiveTimeout = 20_000;
            using var stream = new NetworkStream(socket);
            using var tls = new TlsOverStream(new TlsSession(client, ticket), stream);
            if (tls.Handshake() != TlsStep.Done) return new Resumption(false, true, null);
            // The server speaks first (SETTINGS), and its ticket comes before that.
            var step = tls.Read(new byte[9], out _);
            return new Resumption(tls.Session.IsResumed, step == TlsStep.Failed, tls.Session.TakeTicket());
        });
    }
}
