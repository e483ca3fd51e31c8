namespace Ambient.NodeProxy.Http2;

/// <summary>Identifiers of settings that this codec knows (RFC 9113 section 6.5.2, RFC 8441). Others are ignored.</summary>
public enum SettingId : ushort
{
    /// <summary>Largest HPACK table the sender's decoder keeps, in bytes.</summary>
    HeaderTableSize = 0x1,

    /// <summary>0 or 1.</summary>
    EnablePush = 0x2,

    /// <summary>Streams the receiver may have open at once.</summary>
    MaxConcurrentStreams = 0x3,

    /// <summary>Window of a new stream, in bytes, at most 2^31-1.</summary>
    InitialWindowSize = 0x4,

    /// <summary>Largest payload the sender takes, 16,384 to 16,777,215 bytes.</summary>
    MaxFrameSize = 0x5,

    /// <summary>Largest decoded header list the sender takes, in bytes with 32 for each field.</summary>
    MaxHeaderListSize = 0x6,

    /// <summary>1 allows extended CONNECT (RFC 8441 section 3).</summary>
    EnableConnectProtocol = 0x8,
}
