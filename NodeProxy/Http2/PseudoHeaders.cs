namespace Ambient.NodeProxy.Http2;

/// <summary>The pseudo-headers of RFC 9113 section 8.3 and RFC 8441, as a set.</summary>
[Flags]
internal enum PseudoHeaders
{
    None = 0,
    Method = 1,
    Scheme = 2,
    Authority = 4,
    Path = 8,
    Protocol = 16,
    Status = 32,
    OfRequest = Method | Scheme | Authority | Path | Protocol,
}
