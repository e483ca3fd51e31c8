using System.Text;

namespace Ambient.NodeProxy.Inbound.Probes;

/// <summary>How the reading of a request's head ended.</summary>
internal enum HttpHeadOutcome
{
    /// <summary>It has no end yet, and nothing is wrong so far.</summary>
    NeedMore,

    /// <summary>It is whole and as it must be.</summary>
    Read,

    /// <summary>It is not what a probe sends; <see cref="HttpProbeHead.Fault"/> says why.</summary>
    Bad,
}

/// <summary>
/// The head of a probe's request, read by a minimal parser: HTTP/1.1, one Host, no body, nothing that could make the app and us
/// disagree about where it ends. Whatever is unusual is refused, since only kubelet's own client needs to pass.
/// Source: RFC 9112, sections 2 to 6; RFC 9110, section 5.
/// </summary>
internal readonly record struct HttpProbeHead
{
    /// <summary>Longest head, in bytes. kubelet's is about 150, and as much as the spec's own httpHeaders add.</summary>
    public const int MaxBytes = 8 * 1024;

    private const int MaxMethod = 16, MaxTarget = 4 * 1024, MaxFields = 64;

    /// <summary>The whole head with its empty line, in bytes.</summary>
    public int Bytes { get; private init; }

    /// <summary>Where the method lies.</summary>
    public Range Method { get; private init; }

    /// <summary>Where the request target lies: path and query.</summary>
    public Range Target { get; private init; }

    /// <summary>What is wrong, for a person.</summary>
    public string Fault { get; private init; }

    private Range RequestLine { get; init; }

    /// <param name="bytes">From the connection's first one on; hostile.</param>
    /// <param name="head">Valid with the same bytes only.</param>
    public static HttpHeadOutcome TryRead(ReadOnlySpan<byte> bytes, out HttpProbeHead head)
    {
        head = new HttpProbeHead { Fault = "" };
        int end = bytes[..Math.Min(bytes.Length, MaxBytes)].IndexOf("\r\n\r\n"u8);
        if (end < 0)
        {
            // An app's binary protocol is known at once, without waiting for an end that never comes.
            return bytes.ContainsAnyExcept(FieldBytes.OfHead) ? Bad(ref head, "it is no text") : HttpHeadOutcome.NeedMore;
        }

        var lines = bytes[..(end + 2)];   // each line with its CRLF
        int lineEnd = lines.IndexOf("\r\n"u8);
        if (FaultOfRequestLine(lines[..lineEnd], out var method, out var target) is { } lineFault) return Bad(ref head, lineFault);
        if (FaultOfFields(lines[(lineEnd + 2)..]) is { } fieldFault) return Bad(ref head, fieldFault);
        head = new HttpProbeHead { Fault = "", Bytes = end + 4, Method = method, Target = target, RequestLine = ..lineEnd };
        return HttpHeadOutcome.Read;
    }

    /// <summary>The same head, with <c>Connection: close</c> in place of what it said about the connection.</summary>
    public byte[] WithClose(ReadOnlySpan<byte> bytes)
    {
        using var head = new MemoryStream(Bytes + 32);
        head.Write(bytes[RequestLine]);
        head.Write("\r\n"u8);
        var rest = bytes[(RequestLine.End.Value + 2)..(Bytes - 2)];
        while (!rest.IsEmpty)
        {
            int end = rest.IndexOf("\r\n"u8) + 2;
            if (!IsNamed(rest, "connection"u8) && !IsNamed(rest, "keep-alive"u8)) head.Write(rest[..end]);
            rest = rest[end..];
        }

        head.Write("Connection: close\r\n\r\n"u8);
        return head.ToArray();
    }

    private static HttpHeadOutcome Bad(ref HttpProbeHead head, string fault)
    {
        head = new HttpProbeHead { Fault = fault };
        return HttpHeadOutcome.Bad;
    }

    // method SP request-target SP HTTP/1.1
    private static string? FaultOfRequestLine(ReadOnlySpan<byte> line, out Range method, out Range target)
    {
        (method, target) = (default, default);
        int first = line.IndexOf((byte)' '), last = line.LastIndexOf((byte)' ');
        if (first <= 0 || last == first) return "its first line has no three parts";
        (method, target) = (..first, (first + 1)..last);
        if (first > MaxMethod || line[method].ContainsAnyExcept(FieldBytes.OfToken)) return "its method is none";
        var path = line[target];
        if (path.Length > MaxTarget || !path.StartsWith((byte)'/') || path.ContainsAnyExcept(FieldBytes.Visible)) return "its target is no path";
        return line[(last + 1)..].SequenceEqual("HTTP/1.1"u8) ? null : "it is not HTTP/1.1";
    }

    private static string? FaultOfFields(ReadOnlySpan<byte> lines)
    {
        int hosts = 0;
        for (int count = 1; !lines.IsEmpty; count++)
        {
            if (count > MaxFields) return $"it has more than {MaxFields} fields";
            int end = lines.IndexOf("\r\n"u8);
            var line = lines[..end];
            lines = lines[(end + 2)..];
            int colon = line.IndexOf((byte)':');
            // Also refuses a line that goes on with the one before, and a space before the colon: both are read in two ways.
            if (colon <= 0 || line[..colon].ContainsAnyExcept(FieldBytes.OfToken)) return "a field has no name";
            if (line[(colon + 1)..].ContainsAnyExcept(FieldBytes.OfValue)) return "a field's value holds a control character";
            if (IsNamed(line, "host"u8)) hosts++;
            else if (IsNamed(line, "content-length"u8) && !line[(colon + 1)..].Trim(" \t"u8).SequenceEqual("0"u8)) return "it has a body";
            else if (IsNamed(line, "transfer-encoding"u8)) return "it has a body";
            else if (IsNamed(line, "upgrade"u8)) return "it wants another protocol";
            else if (IsOverride(line)) return "a field would have the app read another method or path";
            else if (IsNamed(line, "expect"u8)) return "it expects an answer before its body";
        }

        return hosts == 1 ? null : "it needs one Host";
    }

    // Frameworks that look at these do something else than what the first line says, which is all that is compared.
    private static bool IsOverride(ReadOnlySpan<byte> line) =>
        StartsWith(line, "x-http-method"u8) || StartsWith(line, "x-method-override"u8) || StartsWith(line, "x-original-"u8) || StartsWith(line, "x-rewrite-"u8);

    private static bool StartsWith(ReadOnlySpan<byte> line, ReadOnlySpan<byte> prefix) =>
        line.Length > prefix.Length && Ascii.EqualsIgnoreCase(line[..prefix.Length], prefix);

    private static bool IsNamed(ReadOnlySpan<byte> line, ReadOnlySpan<byte> name) =>
        line.Length > name.Length && line[name.Length] == (byte)':' && Ascii.EqualsIgnoreCase(line[..name.Length], name);
}
