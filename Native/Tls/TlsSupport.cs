using System.Runtime.InteropServices;

namespace Ambient.Native.Tls;

/// <summary>Which libssl this process has.</summary>
public static unsafe class TlsSupport
{
    /// <summary>For a person: "OpenSSL 3.0.15 3 Sep 2024". OpenSSL_version(3).</summary>
    /// <exception cref="TlsException">libssl.so.3 is missing or does not start.</exception>
    public static string Version()
    {
        TlsLibrary.EnsureLoaded();
        // SAFETY: the text is static within the library.
        return Marshal.PtrToStringUTF8(Crypto.Version(0)) ?? "";
    }
}
