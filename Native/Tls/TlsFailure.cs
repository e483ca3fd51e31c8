using System.Globalization;
using System.Runtime.InteropServices;

namespace Ambient.Native.Tls;

/// <summary>Puts the library's error queue into words for the person who reads the log of a refused connection.</summary>
internal static class TlsFailure
{
    private const int LibrarySsl = 20;
    private const int FirstAlertReason = 1000;
    private const int VerifyOk = 0;
    private const int CertificateVerifyFailed = 134, PeerWithoutCertificate = 199;

    /// <summary>Why a session failed. Empties this thread's error queue.</summary>
    /// <param name="isPeerRefused">It is the peer's certificate.</param>
    public static string Describe(nint ssl, out bool isPeerRefused)
    {
        isPeerRefused = false;
        nuint error = TakeCause();
        if (error == 0)
            return "the TLS library gives no reason";
        int reason = (int)(error & 0x7f_ffff);
        if ((int)(error >> 23 & 0xff) != LibrarySsl)
            return Text(error);
        if (reason is >= FirstAlertReason and < FirstAlertReason + 256)
            return $"the peer refuses the connection with the alert {AlertName(reason - FirstAlertReason)}";
        isPeerRefused = reason is CertificateVerifyFailed or PeerWithoutCertificate;
        return reason switch                       // numbers of openssl/sslerr.h, which never change
        {
            CertificateVerifyFailed when Ssl.VerifyResult(ssl) is var result and not VerifyOk => $"the peer's certificate is refused: {VerifyText((int)result)}",
            155 or 156 => "the peer speaks HTTP without TLS",
            191 or 258 or 396 => $"the peer does not speak TLS 1.3 ({Text(error)})",
            PeerWithoutCertificate => "the peer showed no certificate",
            235 => "the peer offers none of our application protocols (ALPN)",
            267 or 252 => $"what the peer sends is not TLS ({Text(error)})",
            101 or 295 or 410 => $"no key exchange group in common with the peer ({Text(error)})",
            193 => "no cipher suite in common with the peer",
            281 => "a record of the peer does not decrypt (bad record mac)",
            _ => Text(error),
        };
    }

    /// <summary>An exception that carries the library's reason. Empties this thread's error queue.</summary>
    public static TlsException Exception(string what)
    {
        nuint error = TakeCause();
        return new TlsException(error == 0 ? what + "." : $"{what}: {Text(error)}.");
    }

    /// <summary>X509_verify_cert_error_string(3).</summary>
    public static string VerifyText(int error) =>
        Marshal.PtrToStringUTF8(Crypto.VerificationErrorText(error)) ?? error.ToString(CultureInfo.InvariantCulture);

    // The oldest entry of libssl is the cause; what other libraries add below it, or libssl after it, is consequence.
    private static nuint TakeCause()
    {
        nuint cause = 0;
        bool isOfSsl = false;
        for (nuint error; (error = Crypto.TakeError()) != 0;)
        {
            bool isSsl = (int)(error >> 23 & 0xff) == LibrarySsl;
            if (cause == 0 || (isSsl && !isOfSsl))
                (cause, isOfSsl) = (error, isSsl);
        }
        return cause;
    }

    private static string Text(nuint error) =>
        Marshal.PtrToStringUTF8(Crypto.ErrorReason(error)) ?? string.Create(CultureInfo.InvariantCulture, $"error {error:x8} of OpenSSL");

    // RFC 8446 section 6, B.2.
    private static string AlertName(int alert) => alert switch
    {
        0 => "close_notify",
        10 => "unexpected_message",
        20 => "bad_record_mac",
        22 => "record_overflow",
        40 => "handshake_failure",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        44 => "certificate_revoked",
        45 => "certificate_expired",
        46 => "certificate_unknown",
        47 => "illegal_parameter",
        48 => "unknown_ca",
        49 => "access_denied",
        50 => "decode_error",
        51 => "decrypt_error",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        90 => "user_canceled",
        109 => "missing_extension",
        110 => "unsupported_extension",
        112 => "unrecognized_name",
        113 => "bad_certificate_status_response",
        115 => "unknown_psk_identity",
        116 => "certificate_required",
        120 => "no_application_protocol",
        _ => alert.ToString(CultureInfo.InvariantCulture),
    };
}
