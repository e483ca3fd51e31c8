using System.Buffers;
using System.Net;
using Ambient.NodeProxy.Http2;
using Ambient.NodeProxy.Http2.Hpack;

namespace Ambient.NodeProxy.Tunnel;

/// <summary>
/// One CONNECT written, read and answered in memory, so that the tables of HPACK and of the rules for headers, which are made at first use,
/// are there before the first connection waits for them.
/// </summary>
internal static class HeaderRehearsal
{
    /// <summary>Rehearses.</summary>
    /// <returns>What was asked for is what was read.</returns>
    public static bool Run()
    {
        var request = new ConnectRequest(new IPEndPoint(IPAddress.Loopback, 80), new IPEndPoint(IPAddress.Loopback, 40_000), "k8s.namespace.name=rehearsal");
        var headers = new HeaderList();
        return IsRead(output => ConnectHeaders.WriteRequest(output, 1, Http2Settings.DefaultMaxFrameSize, request), headers)
            && HeaderRules.CheckRequest(headers) == HeaderFault.None
            && ConnectHeaders.TryReadRequest(headers, out string authority, out _)
            && Authority.TryParse(authority, out var target)
            && target.Equals(request.Target)
            && IsRead(output => ConnectHeaders.WriteAccepted(output, 1, Http2Settings.DefaultMaxFrameSize), headers)
            && HeaderRules.CheckResponse(headers) == HeaderFault.None
            && ConnectHeaders.TryReadAnswer(headers, out int status, out _)
            && status == 200;
    }

    private static bool IsRead(Action<IBufferWriter<byte>> write, HeaderList into)
    {
        var frame = new ArrayBufferWriter<byte>(256);
        write(frame);
        return new HpackDecoder().Decode(frame.WrittenSpan[FrameHeader.Size..], into) == HpackOutcome.Decoded;
    }
}
