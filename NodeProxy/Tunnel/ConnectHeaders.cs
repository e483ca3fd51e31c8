using System.Buffers;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Ambient.NodeProxy.Http2;
using Ambient.NodeProxy.Http2.Hpack;

namespace Ambient.NodeProxy.Tunnel;

/// <summary>
/// What the two sides of a CONNECT say: only <c>:method</c> and <c>:authority</c> one way, <c>:status</c> the other (RFC 9113,
/// section 8.5), and beside them what ztunnel sends and reads, plus the reason of a refusal.
/// </summary>
internal static class ConnectHeaders
{
    /// <summary>Why a request was refused, for a person. Ours; others ignore it.</summary>
    public const string Reason = "ambient-reason";

    private const int MaxReasonBytes = 512;

    public static void WriteRequest(IBufferWriter<byte> output, int streamId, int maxFrame, ConnectRequest request)
    {
        var block = new ArrayBufferWriter<byte>(256);
        HpackEncoder.Encode(block, ":method"u8, "CONNECT"u8);
        HpackEncoder.Encode(block, ":authority"u8, Ascii(Authority.Of(request.Target)));
        HpackEncoder.Encode(block, "forwarded"u8, Ascii($"for=\"{Authority.Of(request.Client)}\""));
        if (request.Baggage is not null) HpackEncoder.Encode(block, "baggage"u8, Ascii(request.Baggage));
        FrameWriter.WriteHeaders(output, streamId, block.WrittenSpan, endStream: false, maxFrame);
    }

    public static void WriteAccepted(IBufferWriter<byte> output, int streamId, int maxFrame)
    {
        var block = new ArrayBufferWriter<byte>(16);
        HpackEncoder.Encode(block, ":status"u8, "200"u8);
        FrameWriter.WriteHeaders(output, streamId, block.WrittenSpan, endStream: false, maxFrame);
    }

    public static void WriteRefused(IBufferWriter<byte> output, int streamId, int maxFrame, int status, string reason)
    {
        var block = new ArrayBufferWriter<byte>(256);
        HpackEncoder.Encode(block, ":status"u8, Ascii(status.ToString(CultureInfo.InvariantCulture)));
        HpackEncoder.Encode(block, Ascii(Reason), Printable(reason));
        FrameWriter.WriteHeaders(output, streamId, block.WrittenSpan, endStream: true, maxFrame);
    }

    /// <summary>Reads a request: a CONNECT with an authority and nothing that belongs to other methods.</summary>
    public static bool TryReadRequest(HeaderList headers, out string authority, out string fault)
    {
        authority = "";
        string? method = null;
        string? target = null;
        fault = "";
        foreach (var header in headers)
        {
            if (header.Name.IsEmpty || header.Name[0] != (byte)':') continue;
            if (header.Name.SequenceEqual(":method"u8) && method is null) method = Encoding.ASCII.GetString(header.Value);
            else if (header.Name.SequenceEqual(":authority"u8) && target is null) target = Encoding.ASCII.GetString(header.Value);
            else fault = "a CONNECT has :method and :authority, once each, and no other pseudo-header";
        }

        if (method != "CONNECT") fault = "the method is not CONNECT"; // what it has besides follows from that
        if (fault.Length > 0) return false;
        if (target is null) fault = "there is no :authority";
        authority = target ?? "";
        return fault.Length == 0;
    }

    /// <summary>Reads an answer.</summary>
    public static bool TryReadAnswer(HeaderList headers, out int status, out string reason)
    {
        status = 0;
        reason = "";
        foreach (var header in headers)
        {
            if (header.Name.SequenceEqual(":status"u8))
            {
                if (header.Value.Length != 3 || !int.TryParse(header.Value, NumberStyles.None, CultureInfo.InvariantCulture, out status)) return false;
            }
            else if (header.Name.SequenceEqual("ambient-reason"u8))
            {
                // It goes to our log: what is not printable stays out of it.
                reason = Encoding.ASCII.GetString(Printable(Encoding.Latin1.GetString(header.Value)));
            }
        }

        return status is >= 100 and <= 599;
    }

    private static byte[] Ascii(string text) => Encoding.ASCII.GetBytes(text);

    private static byte[] Printable(string text)
    {
        byte[] bytes = Encoding.ASCII.GetBytes(text.Length > MaxReasonBytes ? text[..MaxReasonBytes] : text);
        for (int i = 0; i < bytes.Length; i++)
        {
            if (bytes[i] is < 0x20 or > 0x7e) bytes[i] = (byte)'?';
        }

        return bytes;
    }
}
