using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Ambient.Native.Tls;

/// <summary>
/// A session's way to its ciphertext, in native memory: where the call under way may read and write, and tickets that arrived. The
/// callbacks below are all that libssl calls of ours. They copy memory and keep pointers, run no code of a caller, and cannot throw.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct TlsTransport
{
    /// <summary>More tickets than a server of ours sends for a handshake; a flood by a peer replaces the oldest.</summary>
    public const int MaxTickets = 4;

    /// <summary>The kind of BIO that reads and writes here; made once and never freed, as a process has one.</summary>
    public static readonly nint Method = CreateMethod();

    public byte* Input;
    public byte* Output;
    public int InputLength;
    public int InputPosition;
    public int OutputLength;
    public int OutputPosition;
    public int TicketCount;
    public fixed ulong Tickets[MaxTickets];

    private const int BioTypeSourceSink = 0x400;
    private const int BioControlFlush = 11;
    private const int BioRetryRead = 0x1 | 0x8;
    private const int BioRetryWrite = 0x2 | 0x8;
    private const int BioAllRetryFlags = 0xf;

    /// <summary>Takes the oldest ticket, or gives 0.</summary>
    public nint TakeTicket()
    {
        if (TicketCount == 0)
            return 0;
        nint oldest = (nint)Tickets[0];
        TicketCount--;
        for (int i = 0; i < TicketCount; i++)
            Tickets[i] = Tickets[i + 1];
        return oldest;
    }

    /// <summary>Keeps a ticket and answers 1, by which its reference becomes ours. SSL_CTX_sess_set_new_cb(3).</summary>
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    public static int KeepTicket(nint ssl, nint session)
    {
        // SAFETY: every SSL of this product has a BIO of Method, whose data is its transport and outlives it.
        var transport = (TlsTransport*)Crypto.BioData(Ssl.ReadBio(ssl));
        if (transport->TicketCount == MaxTickets)
            Ssl.SessionFree(transport->TakeTicket());
        transport->Tickets[transport->TicketCount++] = (ulong)session;
        return 1;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Read(nint bio, byte* into, int wanted)
    {
        // SAFETY: the data is the transport (see TlsSessionHandle), and its pointers are valid for the call that libssl is in.
        var transport = (TlsTransport*)Crypto.BioData(bio);
        int bytes = Math.Min(wanted, transport->InputLength - transport->InputPosition);
        if (bytes <= 0)
            return Starve(bio, BioRetryRead);
        Unsafe.CopyBlockUnaligned(into, transport->Input + transport->InputPosition, (uint)bytes);
        transport->InputPosition += bytes;
        return bytes;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Write(nint bio, byte* from, int offered)
    {
        // SAFETY: as in Read.
        var transport = (TlsTransport*)Crypto.BioData(bio);
        int bytes = Math.Min(offered, transport->OutputLength - transport->OutputPosition);
        if (bytes <= 0)
            return Starve(bio, BioRetryWrite);
        Unsafe.CopyBlockUnaligned(transport->Output + transport->OutputPosition, from, (uint)bytes);
        transport->OutputPosition += bytes;
        return bytes;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static nint Control(nint bio, int command, nint number, void* pointer) => command == BioControlFlush ? 1 : 0;

    private static int Starve(nint bio, int flags)
    {
        Crypto.BioClearFlags(bio, BioAllRetryFlags);
        Crypto.BioSetFlags(bio, flags);
        return -1;
    }

    private static nint CreateMethod()
    {
        TlsLibrary.EnsureLoaded();
        nint method = Crypto.BioMethodNew(Crypto.BioNewIndex() | BioTypeSourceSink, "ambient");
        if (method == 0
            || Crypto.BioMethodSetRead(method, &Read) != 1
            || Crypto.BioMethodSetWrite(method, &Write) != 1
            || Crypto.BioMethodSetControl(method, &Control) != 1)
            throw TlsFailure.Exception("The TLS library gives no BIO method");
        return method;
    }
}
