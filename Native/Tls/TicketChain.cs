using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Ambient.Native.Tls;

/// <summary>
/// The intermediates of a client's chain, kept inside the server's tickets. libssl puts only the leaf into a ticket, and a chain
/// that was verified at first could not be verified again when the connection is resumed.
/// </summary>
internal static unsafe class TicketChain
{
    /// <summary>A ticket is at most 64 KiB with everything (RFC 8446 section 4.6.1). Chains of that size are refused before, by the limit of a certificate list.</summary>
    private const int MaxBytes = TlsContext.MaxCertificateListBytes;

    /// <summary>Writes the chain into the ticket that is about to be made; 1 goes on with it. SSL_CTX_set_session_ticket_cb(3).</summary>
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    public static int Write(nint ssl, nint argument)
    {
        // On a server the chain is without the leaf; on a resumed connection it is empty, and the data goes on from ticket to ticket.
        nint chain = Ssl.PeerChain(ssl);
        int count = Crypto.StackCount(chain);
        int total = 0;
        for (int i = 0; i < count; i++)
            total += Math.Max(0, Crypto.WriteCertificate(Crypto.StackItem(chain, i), null));
        if (total is 0 or > MaxBytes)
            return 1;
        // SAFETY: i2d_X509 writes the bytes that it measured and moves the pointer; the session copies before the memory is freed.
        byte* bytes = (byte*)NativeMemory.Alloc((nuint)total);
        byte* end = bytes;
        for (int i = 0; i < count; i++)
            _ = Crypto.WriteCertificate(Crypto.StackItem(chain, i), &end);
        int result = Ssl.SessionSetTicketData(Ssl.Session(ssl), bytes, (nuint)total);
        NativeMemory.Free(bytes);
        return result;
    }

    /// <summary>Adds the certificates that a resumed session's ticket brought back to a stack; the caller frees them.</summary>
    public static void Read(nint ssl, nint into)
    {
        byte* bytes;
        nuint length;
        if (Ssl.SessionTicketData(Ssl.Session(ssl), &bytes, &length) != 1 || bytes == null)
            return;
        // SAFETY: the session keeps the data for the length of this call; d2i_X509 is bounded by the length that is left.
        byte* end = bytes + length;
        while (bytes < end)
        {
            nint certificate = Crypto.ReadCertificate(0, &bytes, (nint)(end - bytes));
            if (certificate == 0)
            {
                Crypto.ClearErrors();                // our own server wrote it, so this is out of memory: verification will fail
                return;
            }
            if (Crypto.StackPush(into, certificate) <= 0)
                Crypto.CertificateFree(certificate);
        }
    }
}
