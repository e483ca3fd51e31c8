using System.Text;

namespace Ambient.Native.Tls;

/// <summary>Looks at the certificate that a session has of its peer, whether it came in this handshake or with a ticket.</summary>
internal static unsafe class PeerVerification
{
    private const int SubjectAlternativeName = 85;       // NID_subject_alt_name
    private const int TypeUri = 6;                       // GEN_URI

    /// <summary>Reads the leaf; null when there is none.</summary>
    public static PeerCertificate? ReadLeaf(nint ssl)
    {
        nint leaf = Ssl.PeerCertificate(ssl);
        if (leaf == 0)
            return null;
        try
        {
            return new PeerCertificate
            {
                Der = Der(leaf),
                UriSans = UriSans(leaf),
                NotBefore = Time(Crypto.NotBefore(leaf)),
                NotAfter = Time(Crypto.NotAfter(leaf)),
            };
        }
        finally
        {
            Crypto.CertificateFree(leaf);
            Crypto.ClearErrors();
        }
    }

    /// <summary>Builds the chain to the context's bundle and checks it as the handshake does: signatures, validity now, key usage, depth.</summary>
    /// <param name="isServer">Whether the peer is a client.</param>
    /// <returns>Null when the chain is good, else why not.</returns>
    public static string? Verify(nint ssl, nint store, bool isServer)
    {
        nint leaf = Ssl.PeerCertificate(ssl);
        if (leaf == 0)
            return "the peer showed no certificate";
        nint verification = Crypto.VerificationNew();
        nint fromTicket = Crypto.StackNew();
        nint untrusted = Ssl.PeerChain(ssl);
        try
        {
            if (isServer && Ssl.IsResumed(ssl) == 1)
            {
                TicketChain.Read(ssl, fromTicket);
                untrusted = fromTicket;
            }
            if (verification == 0
                || Crypto.VerificationStart(verification, store, leaf, untrusted) != 1
                || Crypto.VerificationSetPurpose(verification, isServer ? "ssl_client" : "ssl_server") != 1)
                return "the TLS library cannot verify the peer's certificate";
            nint parameters = Crypto.VerificationParameters(verification);
            Crypto.ParametersSetDepth(parameters, TlsContext.MaxChainDepth);
            Crypto.ParametersSetSecurityLevel(parameters, TlsContext.SecurityLevel);
            return Crypto.Verify(verification) == 1 ? null : TlsFailure.VerifyText(Crypto.VerificationError(verification));
        }
        finally
        {
            Crypto.VerificationFree(verification);
            for (int i = Crypto.StackCount(fromTicket) - 1; i >= 0; i--)
                Crypto.CertificateFree(Crypto.StackItem(fromTicket, i));
            Crypto.StackFree(fromTicket);
            Crypto.CertificateFree(leaf);
            Crypto.ClearErrors();
        }
    }

    private static byte[] Der(nint certificate)
    {
        int length = Crypto.WriteCertificate(certificate, null);
        if (length <= 0)
            return [];
        byte[] der = new byte[length];
        // SAFETY: i2d_X509 writes exactly the length that it measured before, as nobody changes a parsed certificate.
        fixed (byte* pointer = der)
        {
            byte* end = pointer;
            _ = Crypto.WriteCertificate(certificate, &end);
        }
        return der;
    }

    private static List<string> UriSans(nint certificate)
    {
        var uris = new List<string>();
        int critical;
        // SAFETY: out parameters on this stack frame; the names are freed below, and what is read from them is copied.
        nint names = Crypto.CertificateExtension(certificate, SubjectAlternativeName, &critical, null);
        for (int i = 0, count = Crypto.StackCount(names); i < count; i++)
        {
            int type;
            nint value = Crypto.GeneralNameValue(Crypto.StackItem(names, i), &type);
            if (type != TypeUri || value == 0)
                continue;
            byte* data = Crypto.StringData(value);
            uris.Add(data == null ? "" : Encoding.Latin1.GetString(data, Math.Max(0, Crypto.StringLength(value))));
        }
        if (names != 0)
            Crypto.GeneralNamesFree(names);
        return uris;
    }

    // A time that does not parse becomes the earliest one: as an end it has passed, and as a start the verification refuses it anyway.
    private static DateTimeOffset Time(nint asn1Time)
    {
        nint epoch = Crypto.TimeNew(0, 0);
        int days = 0, seconds = 0;
        // SAFETY: out parameters on this stack frame.
        bool isRead = epoch != 0 && Crypto.TimeDifference(&days, &seconds, epoch, asn1Time) == 1;
        Crypto.TimeFree(epoch);
        return isRead ? DateTimeOffset.UnixEpoch.AddDays(days).AddSeconds(seconds) : DateTimeOffset.MinValue;
    }
}
