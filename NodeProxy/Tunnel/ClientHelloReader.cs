using System.Buffers.Binary;

namespace Ambient.NodeProxy.Tunnel;

/// <summary>
/// Says whether bytes begin with a whole ClientHello that offers a protocol (ALPN). Strict: what deviates from the form offers
/// nothing, since such bytes belong to an app. It only reads; whoever takes the connection over reads the same bytes again.
/// Source: RFC 8446, sections 4.1.2 and 5.1; RFC 7301, section 3.1.
/// </summary>
internal static class ClientHelloReader
{
    /// <summary>Most bytes on the wire that are looked at, record headers included. Ours has about 1,700, most of them a hybrid key share.</summary>
    public const int MaxBytes = 16 * 1024;

    private const byte HandshakeRecord = 22, ClientHello = 1, MajorVersion = 3;
    private const int RecordHeader = 5, MessageHeader = 4, MaxFragment = 1 << 14;
    private const int VersionAndRandom = 2 + 32, MaxSessionId = 32;
    private const ushort ProtocolNames = 16;   // the extension application_layer_protocol_negotiation

    /// <param name="bytes">From the connection's first one on.</param>
    /// <param name="protocol">The name that has to be offered.</param>
    /// <returns>Undecided only for fewer than <see cref="MaxBytes"/>.</returns>
    public static ClientHelloVerdict Read(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> protocol)
    {
        bool isFull = bytes.Length >= MaxBytes;
        // Records may cut the message anywhere, so it is put together; on the stack, as this is done a few times a connection.
        Span<byte> message = stackalloc byte[MaxBytes];
        var verdict = Gather(isFull ? bytes[..MaxBytes] : bytes, message, out int length);
        if (verdict == ClientHelloVerdict.Offered) return Offers(message[MessageHeader..length], protocol) ? verdict : ClientHelloVerdict.NotOffered;
        return isFull ? ClientHelloVerdict.NotOffered : verdict;
    }

    /// <summary>Joins the records' fragments until the first message is whole: "offered", by its form so far.</summary>
    private static ClientHelloVerdict Gather(ReadOnlySpan<byte> bytes, Span<byte> message, out int length)
    {
        length = 0;
        while (true)
        {
            if (!MayBeRecord(bytes)) return ClientHelloVerdict.NotOffered;
            if (bytes.Length < RecordHeader) return ClientHelloVerdict.Undecided;
            int fragmentBytes = BinaryPrimitives.ReadUInt16BigEndian(bytes[3..]);
            if (fragmentBytes is 0 or > MaxFragment) return ClientHelloVerdict.NotOffered;

            var fragment = bytes[RecordHeader..Math.Min(bytes.Length, RecordHeader + fragmentBytes)];
            fragment.CopyTo(message[length..]);
            length += fragment.Length;
            if (length > 0 && message[0] != ClientHello) return ClientHelloVerdict.NotOffered;
            if (length >= MessageHeader)
            {
                int whole = MessageHeader + (message[1] << 16) + BinaryPrimitives.ReadUInt16BigEndian(message[2..]);
                if (whole > MaxBytes - RecordHeader || length > whole) return ClientHelloVerdict.NotOffered;
                // The message ends where a record ends: what follows it may be under other keys.
                if (length == whole) return fragment.Length == fragmentBytes ? ClientHelloVerdict.Offered : ClientHelloVerdict.NotOffered;
            }

            if (fragment.Length < fragmentBytes) return ClientHelloVerdict.Undecided;
            bytes = bytes[(RecordHeader + fragmentBytes)..];
        }
    }

    private static bool MayBeRecord(ReadOnlySpan<byte> bytes) =>
        (bytes.Length < 1 || bytes[0] == HandshakeRecord) && (bytes.Length < 2 || bytes[1] == MajorVersion);

    private static bool Offers(ReadOnlySpan<byte> body, ReadOnlySpan<byte> protocol)
    {
        var fields = new TlsVectors(body);
        if (!fields.Skip(VersionAndRandom)
            || !fields.TryTake(lengthBytes: 1, out var sessionId) || sessionId.Length > MaxSessionId
            || !fields.TryTake(lengthBytes: 2, out var suites) || suites.Length < 2 || suites.Length % 2 != 0
            || !fields.TryTake(lengthBytes: 1, out var compressions) || compressions.IsEmpty
            || !fields.TryTake(lengthBytes: 2, out var extensions) || !fields.IsAtEnd) return false;

        bool offered = false, isSecond = false;
        var rest = new TlsVectors(extensions);
        while (!rest.IsAtEnd)
        {
            if (!rest.TryTakeNumber(out ushort kind) || !rest.TryTake(lengthBytes: 2, out var extension)) return false;
            if (kind != ProtocolNames) continue;
            if (isSecond || !TryFind(extension, protocol, out offered)) return false;
            isSecond = true;
        }

        return offered;
    }

    // False when the list has not the form of one.
    private static bool TryFind(ReadOnlySpan<byte> extension, ReadOnlySpan<byte> protocol, out bool found)
    {
        found = false;
        var outer = new TlsVectors(extension);
        if (!outer.TryTake(lengthBytes: 2, out var list) || !outer.IsAtEnd || list.IsEmpty) return false;
        var names = new TlsVectors(list);
        while (!names.IsAtEnd)
        {
            if (!names.TryTake(lengthBytes: 1, out var name) || name.IsEmpty) return false;
            found |= name.SequenceEqual(protocol);
        }

        return true;
    }
}
