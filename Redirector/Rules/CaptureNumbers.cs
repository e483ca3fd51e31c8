using Ambient.Native.Netlink;

namespace Ambient.Redirector.Rules;

/// <summary>Ports, marks and table numbers of capture inside a pod's namespace. Changing one breaks pods that are captured already.</summary>
internal static class CaptureNumbers
{
    public const int OutboundPort = 15001;
    public const int InboundPort = 15006;
    public const int TunnelPort = 15008;

    /// <summary>On every packet of our own sockets.</summary>
    public const uint SocketMark = 0x539;

    /// <summary>On connections that our sockets open to the pod's own app.</summary>
    public const uint ConnectionMark = 0x111;

    /// <summary>The bits that carry either mark; the others belong to whoever else uses marks.</summary>
    public const uint MarkMask = 0xfff;

    public const uint RoutingTable = 100;
    public const uint RulePriority = 100;

    public const string Table = "ambient";

    /// <summary>NFPROTO_INET.</summary>
    public const byte TableFamily = 1;

    /// <summary>Sends the app's replies on connections with the proxy back to the proxy.</summary>
    public static MarkRule ReplyRule => new(ConnectionMark, MarkMask, RoutingTable, RulePriority);
}
