namespace Ambient.Native.Tls;

/// <summary>Certificates, keys or the TLS library cannot be used: a fault of the set-up, never of a peer.</summary>
public sealed class TlsException(string message, Exception? cause = null) : Exception(message, cause);
