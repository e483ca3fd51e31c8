namespace Ambient.NodeProxy.Http2;

/// <summary>What makes a header list malformed (RFC 9113 section 8.1.1): a stream error of type PROTOCOL_ERROR.</summary>
public enum HeaderFault
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>A field without a name.</summary>
    EmptyName,

    /// <summary>A name in which a letter is upper case or a byte is no token character.</summary>
    BadName,

    /// <summary>A value with NUL, CR or LF, or with a space or tab at an end.</summary>
    BadValue,

    /// <summary>A pseudo-header that does not belong to this kind of message.</summary>
    UnknownPseudoHeader,

    /// <summary>A pseudo-header twice.</summary>
    RepeatedPseudoHeader,

    /// <summary>A pseudo-header behind a field.</summary>
    LatePseudoHeader,

    /// <summary>A pseudo-header whose value does not follow its grammar.</summary>
    BadPseudoHeader,

    /// <summary>A pseudo-header that this kind of message needs is missing.</summary>
    MissingPseudoHeader,

    /// <summary>A classic CONNECT with :scheme or :path.</summary>
    ExcessPseudoHeader,

    /// <summary>:protocol without CONNECT, or where extended CONNECT was not offered.</summary>
    UnexpectedProtocol,

    /// <summary>connection, keep-alive, proxy-connection, transfer-encoding or upgrade.</summary>
    ConnectionSpecific,

    /// <summary>te with another value than "trailers".</summary>
    BadTe,

    /// <summary>Several host fields, or one that differs from :authority.</summary>
    HostMismatch,

    /// <summary>content-length that is no number, or several that differ.</summary>
    BadContentLength,
}
