namespace Ambient.Native.Tls;

/// <summary>Starts libssl for this process, before anything else of it is used.</summary>
internal static class TlsLibrary
{
    /// <summary>
    /// OPENSSL_INIT_NO_ATEXIT: at the process's exit libcrypto must not free what loops still use. The runtime asks for the same,
    /// but only whoever comes first is heard. The other two load the texts of errors.
    /// </summary>
    private const ulong Options = 0x0008_0000 | 0x0020_0000 | 0x0000_0002;

    private static readonly string? Fault = Load();

    /// <exception cref="TlsException">libssl.so.3 is missing or does not start.</exception>
    public static void EnsureLoaded()
    {
        if (Fault is not null)
            throw new TlsException(Fault);
    }

    private static string? Load()
    {
        try
        {
            return Ssl.Initialize(Options, 0) == 1 ? null : "libssl.so.3 does not start (OPENSSL_init_ssl).";
        }
        catch (Exception fault) when (fault is DllNotFoundException or EntryPointNotFoundException)
        {
            return $"OpenSSL 3 is needed, on Debian the package libssl3: {fault.Message}";
        }
    }
}
