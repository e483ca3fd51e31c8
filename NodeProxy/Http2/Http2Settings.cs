using System.Buffers.Binary;

namespace Ambient.NodeProxy.Http2;

/// <summary>What one side has told the other. Source: RFC 9113, section 6.5.2.</summary>
public readonly record struct Http2Settings
{
    /// <summary>Both windows before anything is said, in bytes.</summary>
    public const int DefaultInitialWindowSize = 65_535;

    /// <summary>The largest frame before anything is said, in bytes.</summary>
    public const int DefaultMaxFrameSize = 16_384;

    /// <summary>The HPACK table before anything is said, in bytes.</summary>
    public const int DefaultHeaderTableSize = 4_096;

    /// <summary>Everything as it is before the first SETTINGS.</summary>
    public Http2Settings()
    {
    }

    public int HeaderTableSize { get; init; } = DefaultHeaderTableSize;

    public bool EnablePush { get; init; } = true;

    public uint MaxConcurrentStreams { get; init; } = uint.MaxValue;

    public int InitialWindowSize { get; init; } = DefaultInitialWindowSize;

    public int MaxFrameSize { get; init; } = DefaultMaxFrameSize;

    public uint MaxHeaderListSize { get; init; } = uint.MaxValue;

    /// <summary>Applies one SETTINGS payload, whose length is a multiple of six. Unknown identifiers are ignored.</summary>
    public static Http2ErrorCode TryApply(Http2Settings current, ReadOnlySpan<byte> payload, out Http2Settings changed)
    {
        changed = current;
        for (; payload.Length >= 6; payload = payload[6..])
        {
            uint value = BinaryPrimitives.ReadUInt32BigEndian(payload[2..]);
            switch (BinaryPrimitives.ReadUInt16BigEndian(payload))
            {
                case 0x1:
                    changed = changed with { HeaderTableSize = (int)Math.Min(value, int.MaxValue) };
                    break;
                case 0x2:
                    if (value > 1) return Http2ErrorCode.ProtocolError;
                    changed = changed with { EnablePush = value == 1 };
                    break;
                case 0x3:
                    changed = changed with { MaxConcurrentStreams = value };
                    break;
                case 0x4:
                    if (value > int.MaxValue) return Http2ErrorCode.FlowControlError;
                    changed = changed with { InitialWindowSize = (int)value };
                    break;
                case 0x5:
                    if (value is < 16_384 or > 16_777_215) return Http2ErrorCode.ProtocolError;
                    changed = changed with { MaxFrameSize = (int)value };
                    break;
                case 0x6:
                    changed = changed with { MaxHeaderListSize = value };
                    break;
            }
        }

        return Http2ErrorCode.NoError;
    }
}
