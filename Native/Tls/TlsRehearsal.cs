namespace Ambient.Native.Tls;

/// <summary>
/// One full handshake in memory with both ends in this process, so that what comes once at first use has come before a peer waits for it:
/// algorithms that libcrypto fetches when they are first named, the random generators and the memory of the calling thread, functions that
/// are bound at their first call.
/// </summary>
public static class TlsRehearsal
{
    private const int MostFlights = 6;

    /// <summary>Rehearses on the calling thread, with contexts and sessions of its own that are gone afterwards.</summary>
    /// <param name="settings">A certificate that both ends show.</param>
    /// <param name="trustOf">Gives its bundle's roots as others share them; null makes them for this handshake alone.</param>
    /// <param name="toServer">Room for what the client says at once: 64 KiB are enough for any chain.</param>
    /// <param name="toClient">The same for what the server says.</param>
    /// <returns>Null, or why this certificate does not work with itself, for a person.</returns>
    public static string? Run(TlsSettings settings, Func<IReadOnlyList<ReadOnlyMemory<byte>>, TlsTrust>? trustOf, Span<byte> toServer, Span<byte> toClient)
    {
        try
        {
            var trust = trustOf?.Invoke(settings.TrustBundle);
            using var clientContext = TlsContext.Client(settings, trust);
            using var serverContext = TlsContext.Server(settings, trust);
            using var client = new TlsSession(clientContext);
            using var server = new TlsSession(serverContext);
            return Handshake(client, server, toServer, toClient)
                ?? Say(client, server, toServer)
                ?? Say(server, client, toClient)
                ?? Look(client)
                ?? Look(server);
        }
        catch (TlsException fault)
        {
            return fault.Message;
        }
    }

    private static string? Handshake(TlsSession client, TlsSession server, Span<byte> toServer, Span<byte> toClient)
    {
        int forClient = 0;
        for (int flight = 0; flight < MostFlights; flight++)
        {
            var atClient = new TlsIo { Input = toClient[..forClient], Output = toServer };
            var clientStep = client.Handshake(ref atClient);
            var atServer = new TlsIo { Input = toServer[..atClient.Written], Output = toClient };
            var serverStep = server.Handshake(ref atServer);
            forClient = atServer.Written;
            if ((client.Failure ?? server.Failure) is { } failure) return failure;
            if (clientStep != TlsStep.Done || serverStep != TlsStep.Done) continue;
            // What the server says behind the handshake is its ticket.
            using var ticket = Read(client, toClient[..forClient]) == TlsStep.NeedInput ? client.TakeTicket() : null;
            return client.Failure;
        }
        return "the handshake does not end";
    }

    private static string? Say(TlsSession from, TlsSession to, Span<byte> wire)
    {
        var io = new TlsIo { Output = wire };
        from.Write(ref io, "rehearsal"u8, out _);
        Read(to, wire[..io.Written]);
        return from.Failure ?? to.Failure;
    }

    private static TlsStep Read(TlsSession at, ReadOnlySpan<byte> wire)
    {
        Span<byte> plain = stackalloc byte[64];
        Span<byte> answer = stackalloc byte[512];
        var io = new TlsIo { Input = wire, Output = answer };
        return at.Read(ref io, plain, out _);
    }

    // As after every handshake: the leaf is read and the chain verified, a second time as for a resumed session.
    private static string? Look(TlsSession session)
    {
        _ = session.Peer;
        return session.VerifyPeerChain(out string? reason) && session.VerifyPeerChain(out reason) ? null : reason;
    }
}
