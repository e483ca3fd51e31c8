using Ambient.Native.Netlink;

namespace Ambient.Cli.Check;

/// <summary>Ports and marks of capture, as Redirector has them: processes share no code, so a test holds the two together.</summary>
internal static class MeshNumbers
{
    public const int OutboundPort = 15001, InboundPort = 15006;

    public const uint SocketMark = 0x539;

    public static MarkRule ReplyRule => new(0x111, 0xfff, 100, 100);

    public const int RoutingTable = 100;
}
