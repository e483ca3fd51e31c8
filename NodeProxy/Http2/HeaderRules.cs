using System.Text;
using Ambient.NodeProxy.Http2.Hpack;

namespace Ambient.NodeProxy.Http2;

/// <summary>
/// Whether a decoded header list is well formed (RFC 9113 sections 8.2 and 8.3, RFC 8441). Pure; allocates nothing.
/// Strict where a lenient reading would let a list mean something else after translation to HTTP/1.1.
/// </summary>
public static class HeaderRules
{
    /// <summary>Checks a request.</summary>
    /// <param name="headers">The list.</param>
    /// <param name="extendedConnect">Whether SETTINGS_ENABLE_CONNECT_PROTOCOL was sent.</param>
    public static HeaderFault CheckRequest(HeaderList headers, bool extendedConnect = false)
    {
        HeaderFault fault = CheckFields(headers, PseudoHeaders.OfRequest, out PseudoHeaders seen);
        if (fault != HeaderFault.None)
            return fault;
        if ((seen & PseudoHeaders.Method) == 0)
            return HeaderFault.MissingPseudoHeader;

        headers.TryFind(":method"u8, out ReadOnlySpan<byte> method);
        bool isConnect = method.SequenceEqual("CONNECT"u8);
        bool hasProtocol = (seen & PseudoHeaders.Protocol) != 0;
        if (hasProtocol && (!isConnect || !extendedConnect))
            return HeaderFault.UnexpectedProtocol;

        // Classic CONNECT (section 8.5) has :method and :authority, extended CONNECT (RFC 8441 section 4) has all five.
        PseudoHeaders needed = PseudoHeaders.Method
            | (isConnect ? PseudoHeaders.Authority : PseudoHeaders.None)
            | (isConnect && !hasProtocol ? PseudoHeaders.None : PseudoHeaders.Scheme | PseudoHeaders.Path);
        if ((seen & needed) != needed)
            return HeaderFault.MissingPseudoHeader;
        if (isConnect && !hasProtocol && (seen & (PseudoHeaders.Scheme | PseudoHeaders.Path)) != 0)
            return HeaderFault.ExcessPseudoHeader;
        return CheckHost(headers);
    }

    /// <summary>Checks a response, interim ones included.</summary>
    public static HeaderFault CheckResponse(HeaderList headers)
    {
        HeaderFault fault = CheckFields(headers, PseudoHeaders.Status, out PseudoHeaders seen);
        if (fault != HeaderFault.None)
            return fault;
        return seen == PseudoHeaders.Status ? HeaderFault.None : HeaderFault.MissingPseudoHeader;
    }

    /// <summary>Checks trailers, which have no pseudo-headers (section 8.1).</summary>
    public static HeaderFault CheckTrailers(HeaderList headers) => CheckFields(headers, PseudoHeaders.None, out _);

    /// <summary>A fault in words, for a log or a reset's reason.</summary>
    public static string Explain(HeaderFault fault) => fault switch
    {
        HeaderFault.None => "well formed",
        HeaderFault.EmptyName => "a field has no name",
        HeaderFault.BadName => "a field's name has upper case or a character that names may not have (RFC 9113 section 8.2.1)",
        HeaderFault.BadValue => "a field's value has NUL, CR, LF, or a space at an end (RFC 9113 section 8.2.1)",
        HeaderFault.UnknownPseudoHeader => "a pseudo-header that this message may not have (RFC 9113 section 8.3)",
        HeaderFault.RepeatedPseudoHeader => "a pseudo-header twice (RFC 9113 section 8.3)",
        HeaderFault.LatePseudoHeader => "a pseudo-header behind a field (RFC 9113 section 8.3)",
        HeaderFault.BadPseudoHeader => "a pseudo-header's value is not valid (RFC 9113 section 8.3.1)",
        HeaderFault.MissingPseudoHeader => "a pseudo-header is missing (RFC 9113 section 8.3)",
        HeaderFault.ExcessPseudoHeader => "CONNECT with :scheme or :path (RFC 9113 section 8.5)",
        HeaderFault.UnexpectedProtocol => ":protocol without CONNECT or without having been offered (RFC 8441 section 4)",
        HeaderFault.ConnectionSpecific => "a field that belongs to an HTTP/1.1 connection (RFC 9113 section 8.2.2)",
        HeaderFault.BadTe => "te with another value than trailers (RFC 9113 section 8.2.2)",
        HeaderFault.HostMismatch => "host twice, or different from :authority (RFC 9113 section 8.3.1)",
        HeaderFault.BadContentLength => "content-length is no number or has two values (RFC 9110 section 8.6)",
    };

    private static HeaderFault CheckFields(HeaderList headers, PseudoHeaders allowed, out PseudoHeaders seen)
    {
        seen = PseudoHeaders.None;
        bool isBehindPseudo = false;
        ReadOnlySpan<byte> contentLength = default;
        foreach (HeaderField field in headers)
        {
            if (field.Name.IsEmpty)
                return HeaderFault.EmptyName;
            HeaderFault fault;
            if (field.Name[0] == (byte)':')
            {
                fault = isBehindPseudo ? HeaderFault.LatePseudoHeader : CheckPseudo(field, allowed, ref seen);
            }
            else
            {
                isBehindPseudo = true;
                fault = CheckField(field, ref contentLength);
            }

            if (fault != HeaderFault.None)
                return fault;
        }

        return HeaderFault.None;
    }

    private static HeaderFault CheckPseudo(HeaderField field, PseudoHeaders allowed, ref PseudoHeaders seen)
    {
        (PseudoHeaders which, bool isValid) = field.Name switch
        {
            var name when name.SequenceEqual(":method"u8) => (PseudoHeaders.Method, FieldGrammar.IsToken(field.Value)),
            var name when name.SequenceEqual(":authority"u8) => (PseudoHeaders.Authority, FieldGrammar.IsAuthority(field.Value)),
            var name when name.SequenceEqual(":path"u8) => (PseudoHeaders.Path, FieldGrammar.IsPath(field.Value)),
            var name when name.SequenceEqual(":scheme"u8) => (PseudoHeaders.Scheme, FieldGrammar.IsScheme(field.Value)),
            var name when name.SequenceEqual(":protocol"u8) => (PseudoHeaders.Protocol, FieldGrammar.IsToken(field.Value)),
            var name when name.SequenceEqual(":status"u8) => (PseudoHeaders.Status, FieldGrammar.IsStatus(field.Value)),
            _ => (PseudoHeaders.None, false),
        };
        if ((which & allowed) == 0)
            return HeaderFault.UnknownPseudoHeader;
        if ((which & seen) != 0)
            return HeaderFault.RepeatedPseudoHeader;
        seen |= which;
        return isValid ? HeaderFault.None : HeaderFault.BadPseudoHeader;
    }

    private static HeaderFault CheckField(HeaderField field, ref ReadOnlySpan<byte> contentLength)
    {
        if (!FieldGrammar.IsName(field.Name))
            return HeaderFault.BadName;
        if (!FieldGrammar.IsValue(field.Value))
            return HeaderFault.BadValue;
        switch (field.Name.Length)
        {
            case 2 when field.Name.SequenceEqual("te"u8):
                return field.Value.SequenceEqual("trailers"u8) ? HeaderFault.None : HeaderFault.BadTe;

            case 7 when field.Name.SequenceEqual("upgrade"u8):
            case 10 when field.Name.SequenceEqual("connection"u8) || field.Name.SequenceEqual("keep-alive"u8):
            case 16 when field.Name.SequenceEqual("proxy-connection"u8):
            case 17 when field.Name.SequenceEqual("transfer-encoding"u8):
                return HeaderFault.ConnectionSpecific;

            case 14 when field.Name.SequenceEqual("content-length"u8):
                if (!FieldGrammar.IsNumber(field.Value) || (!contentLength.IsEmpty && !contentLength.SequenceEqual(field.Value)))
                    return HeaderFault.BadContentLength;
                contentLength = field.Value;
                return HeaderFault.None;

            default:
                return HeaderFault.None;
        }
    }

    private static HeaderFault CheckHost(HeaderList headers)
    {
        bool hasAuthority = headers.TryFind(":authority"u8, out ReadOnlySpan<byte> authority);
        bool sawHost = false;
        foreach (HeaderField field in headers)
        {
            if (!field.Name.SequenceEqual("host"u8))
                continue;
            if (sawHost || (hasAuthority && !Ascii.EqualsIgnoreCase(field.Value, authority)))
                return HeaderFault.HostMismatch;
            sawHost = true;
        }

        return HeaderFault.None;
    }
}
