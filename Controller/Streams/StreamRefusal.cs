namespace Ambient.Controller.Streams;

/// <summary>Why a node's stream was refused, or ended for what the node said on it. Its label value is the name in snake case.</summary>
internal enum StreamRefusal
{
    /// <summary>There is no token, or none that this controller made.</summary>
    BadToken,

    /// <summary>The token was good and is no more.</summary>
    ExpiredToken,

    /// <summary>Whoever knows tokens could not be asked.</summary>
    Unreviewed,

    /// <summary>The token is for another node.</summary>
    OtherNode,

    /// <summary>The first message is no Hello, comes too late, or says what no node says.</summary>
    BadHello,

    /// <summary>The node speaks another version of the protocol.</summary>
    ProtocolVersion,

    /// <summary>The node connects again and again.</summary>
    TooOften,

    /// <summary>Too many connections of one address.</summary>
    AddressShare,

    /// <summary>There is no TLS connection with it: another protocol or version, or it says nothing inside, as who does not trust the certificate.</summary>
    Handshake,

    /// <summary>A message out of order, too large, or not readable.</summary>
    BadMessage,
}
