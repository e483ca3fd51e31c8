namespace Ambient.NodeProxy.Http2;

/// <summary>Bytes that are gathered over several calls. Costs nothing while empty and forgets what one large use took.</summary>
internal sealed class FrameBuffer
{
    private const int KeptBytes = 1_024;

    private byte[] _bytes = [];

    /// <summary>Bytes gathered.</summary>
    public int Length { get; private set; }

    /// <summary>The bytes gathered; valid until the next change.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, Length);

    /// <summary>Appends, growing by what came and not by what was promised.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        if (_bytes.Length - Length < bytes.Length)
            Array.Resize(ref _bytes, Math.Max(Math.Max(64, _bytes.Length * 2), Length + bytes.Length));
        bytes.CopyTo(_bytes.AsSpan(Length));
        Length += bytes.Length;
    }

    /// <summary>Empties it.</summary>
    public void Clear()
    {
        Length = 0;
        if (_bytes.Length > KeptBytes)
            _bytes = [];
    }
}
