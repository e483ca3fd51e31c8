using Ambient.Native.Descriptors;
using Ambient.Native.Namespaces;
using Ambient.Redirector.Rules;

namespace Ambient.Redirector.Listeners;

/// <summary>Decides whether descriptors that somebody gave back are the listeners of a pod. Nothing about them is believed.</summary>
internal static class ListenerCheck
{
    private static ReadOnlySpan<int> Ports => [CaptureNumbers.OutboundPort, CaptureNumbers.InboundPort, CaptureNumbers.TunnelPort];

    /// <summary>Checks three descriptors in their order; they stay the caller's.</summary>
    /// <param name="namespaceCookie">Of the pod's namespace.</param>
    /// <param name="ipv4Only">The namespace has no IPv6.</param>
    /// <param name="reason">Empty, or what is wrong.</param>
    public static bool AreListenersOf(ulong namespaceCookie, bool ipv4Only, IReadOnlyList<Descriptor> given, out string reason)
    {
        if (given.Count != Ports.Length)
        {
            reason = $"{given.Count} descriptors, not {Ports.Length}";
            return false;
        }
        for (int i = 0; i < Ports.Length; i++)
        {
            reason = TcpSocketFacts.TryRead(given[i], out var facts, out string unreadable)
                ? FaultOf(facts, Ports[i], namespaceCookie, ipv4Only) : unreadable;
            if (reason.Length > 0)
            {
                reason = $"port {Ports[i]}: {reason}";
                return false;
            }
        }
        reason = "";
        return true;
    }

    private static string FaultOf(TcpSocketFacts facts, int port, ulong namespaceCookie, bool ipv4Only)
    {
        if (facts.NamespaceCookie != namespaceCookie)
            return "made in another network namespace";
        if (!facts.IsListening)
            return "not listening";
        if (facts.LocalPort != port)
            return $"bound to port {facts.LocalPort}";
        if (facts.Mark != CaptureNumbers.SocketMark)
            return $"mark 0x{facts.Mark:x}";
        return facts.IsIpv6 == ipv4Only ? "the wrong address family" : "";
    }
}
