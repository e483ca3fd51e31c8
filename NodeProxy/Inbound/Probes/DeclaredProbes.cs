using System.Net;
using Ambient.NodeProxy.Discovery;
using Ambient.Protocol.Model;

namespace Ambient.NodeProxy.Inbound.Probes;

/// <summary>Which probes a connection may be.</summary>
internal static class DeclaredProbes
{
    /// <summary>
    /// The address is one of the machine's that the pod runs on, which is the one that this process serves: kubelet calls from there, and
    /// from nowhere else.
    /// </summary>
    public static bool IsOwnNode(MeshViewHolder views, Workload pod, IPAddress client) => views.Machine.Contains(new AddressKey(client))
        || (pod.Node.Length > 0 && views.Current.TryFindNodeByAddress(client, out var node) && node.Name == pod.Node);

    /// <summary>
    /// What the pod's spec lets its own node ask on a port; none for anybody else. Against a policy that denies expressly only what can be
    /// seen to be the probe passes: inside TLS anything could be asked.
    /// </summary>
    public static IReadOnlyList<Probe> Find(MeshViewHolder views, Workload pod, IPAddress client, int port, bool isDeniedExpressly)
    {
        if (pod.Probes.IsEmpty || !IsOwnNode(views, pod, client)) return [];
        return [.. pod.Probes.Where(probe => probe.Port == port && !(isDeniedExpressly && probe.Kind == ProbeKind.Https))];
    }

    /// <summary>What passes by a probe's declaration, for a person.</summary>
    public static string Describe(Probe probe) => probe.Kind switch
    {
        ProbeKind.Http => $"{probe.Method} {probe.Path} on port {probe.Port}",
        ProbeKind.Tcp => $"a connect without a byte to port {probe.Port}",
        ProbeKind.Grpc => $"grpc.health.v1.Health/Check of \"{probe.Service}\" on port {probe.Port}",
        ProbeKind.Https => $"TLS on port {probe.Port} (weaker: what is asked inside cannot be seen)",
    };
}
