using System.Diagnostics.CodeAnalysis;
using System.Formats.Asn1;
using System.Security.Cryptography.X509Certificates;
using Ambient.Protocol.Identity;

namespace Ambient.Protocol.Certificates;

/// <summary>
/// The subject alternative name of an X.509-SVID: one URI and nothing else.
/// Source: RFC 5280 section 4.2.1.6; X509-SVID specification section 2.
/// </summary>
public static class IdentityExtension
{
    /// <summary>The object identifier of the subject alternative name.</summary>
    public const string Oid = "2.5.29.17";

    private static readonly Asn1Tag UriTag = new(TagClass.ContextSpecific, 6);

    /// <summary>Encodes a name. It is critical, since our certificates have an empty subject (RFC 5280 section 4.2.1.6).</summary>
    public static X509Extension Of(SpiffeId id)
    {
        // Not SubjectAlternativeNameBuilder: it sends the text through System.Uri, which has its own ideas of a host.
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
            writer.WriteCharacterString(UniversalTagNumber.IA5String, id.ToString(), UriTag);
        return new X509Extension(Oid, writer.Encode(), critical: true);
    }

    /// <summary>Reads the one identity out of the extensions of a request or a certificate.</summary>
    /// <param name="reason">Why there is none, for a person; null on success.</param>
    public static bool TryRead(IEnumerable<X509Extension> extensions,
        [NotNullWhen(true)] out SpiffeId? id, [NotNullWhen(false)] out string? reason)
    {
        id = null;
        var found = extensions.Where(e => e.Oid?.Value == Oid).ToList();
        if (found.Count != 1)
        {
            reason = found.Count == 0 ? "it has no subject alternative name" : "it has several subject alternative names";
            return false;
        }
        try
        {
            var reader = new AsnReader(found[0].RawData, AsnEncodingRules.DER);
            var names = reader.ReadSequence();
            reader.ThrowIfNotEmpty();
            if (!names.HasData || names.PeekTag() != UriTag)
            {
                reason = "its subject alternative name is no URI";
                return false;
            }
            var uri = names.ReadCharacterString(UniversalTagNumber.IA5String, UriTag);
            if (names.HasData)
            {
                reason = "its subject alternative name holds more than one name";
                return false;
            }
            return SpiffeId.TryParse(uri, out id, out reason);
        }
        catch (AsnContentException)
        {
            reason = "its subject alternative name is not readable";
            return false;
        }
    }
}
