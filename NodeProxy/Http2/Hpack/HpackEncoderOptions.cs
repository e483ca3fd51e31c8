namespace Ambient.NodeProxy.Http2.Hpack;

/// <summary>What an <see cref="HpackEncoder"/> keeps and what it does not. Shared by all encoders of a kind.</summary>
public sealed record HpackEncoderOptions
{
    /// <summary>The values that most connections use.</summary>
    public static readonly HpackEncoderOptions Default = new();

    /// <summary>Largest table, in bytes, whatever the peer would allow; default 4,096. 0 turns indexing off.</summary>
    public int MaxTableBytes { get; init; } = 4_096;

    /// <summary>
    /// Names, in lower case, whose values are secrets and are never indexed, here or further on (RFC 7541 section 7.1.3).
    /// </summary>
    public IReadOnlyList<string> SensitiveNames { get; init; } = ["authorization", "proxy-authorization", "cookie", "set-cookie"];

    /// <summary>Names, in lower case, whose values hardly come twice and would only push others out of the table.</summary>
    public IReadOnlyList<string> VolatileNames { get; init; } =
        ["traceparent", "tracestate", "forwarded", "x-request-id", "content-length", "etag", "if-none-match"];
}
