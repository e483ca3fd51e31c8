using System.Net;
using Ambient.Protocol.Redirector.V1;

namespace Ambient.Redirector.Canary;

/// <summary>What a connection of the canary proves. Pure.</summary>
internal static class CanaryJudge
{
    /// <summary>A NodeProxy that is just being replaced gives it too.</summary>
    public const string NotServedReason = "CanaryNotServed";

    /// <summary>Judges NodeProxy's answer, which is the original destination as the kernel gives it.</summary>
    public static CanaryResult OfAnswer(IPEndPoint service, string answer)
    {
        if (!IPEndPoint.TryParse(answer.Trim(), out var arrived))
            return NotServed("its answer is not readable");
        if (arrived.Address.IsIPv4MappedToIPv6)
            arrived.Address = arrived.Address.MapToIPv4();
        if (arrived.Equals(service))
            return new CanaryResult { Ok = true };
        return new CanaryResult
        {
            Reason = "ServiceAddressHidden",
            Detail = $"a connection to the service address {service} arrives at the proxy as one to {arrived}: a kube-proxy replacement rewrites connect() "
                + "in pods, so that services, and what is configured for them, are not seen. With Cilium set socketLB.hostNamespaceOnly=true; with Calico's "
                + "eBPF data plane set bpfConnectTimeLoadBalancing=Disabled",
        };
    }

    /// <summary>Nobody answered.</summary>
    public static CanaryResult NotServed(string why) =>
        new() { Reason = NotServedReason, Detail = $"a connection that was opened in a captured network namespace was not served by ambient-node: {why}" };

    /// <summary>The canary itself could not be captured.</summary>
    public static CanaryResult NotCaptured(string why) =>
        new() { Reason = "CanaryNotCaptured", Detail = $"no pod can be captured on this node: {why}" };

    /// <summary>There is no service address to connect to: nothing is known against the node, and nothing proves it.</summary>
    public static CanaryResult NotAsked { get; } = new() { Ok = true, Reason = "NotLookedAt", Detail = "not looked at: no service address is known (--canary-service)" };
}
