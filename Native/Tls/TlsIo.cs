namespace Ambient.Native.Tls;

/// <summary>
/// Ciphertext that came in and room for ciphertext to go out, for one or more calls on one session. A call starts at
/// <see cref="Consumed"/> and <see cref="Written"/> and moves them forward, so that the same value can be handed in again;
/// what was not consumed comes first the next time. Whatever the step says, the written bytes go to the peer.
/// </summary>
public ref struct TlsIo
{
    /// <summary>Bytes from the peer. Not kept after the call.</summary>
    public ReadOnlySpan<byte> Input;

    /// <summary>How many bytes of <see cref="Input"/> the session has taken.</summary>
    public int Consumed;

    /// <summary>Room for bytes to the peer. Not kept after the call.</summary>
    public Span<byte> Output;

    /// <summary>How many bytes of <see cref="Output"/> the session has filled.</summary>
    public int Written;
}
