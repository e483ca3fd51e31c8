using System.Net;
using Ambient.NodeProxy.Discovery;
using Ambient.NodeProxy.Telemetry;
using Ambient.Protocol.Redirector.V1;
using Google.Protobuf;

namespace Ambient.NodeProxy;

/// <summary>Names what Redirector counted beside TCP: addresses become workloads, by the view of the moment, or are unknown.</summary>
internal sealed class NonTcpIntake(MeshViewHolder views, NonTcpMetrics metrics)
{
    /// <summary>Takes one message.</summary>
    public void Take(NonTcpTraffic traffic)
    {
        var view = views.Current;
        if (!view.TryFindWorkloadByUid(traffic.Uid, out var pod)) return;
        foreach (var flow in traffic.Flows)
        {
            var (source, destination) = (AddressOf(flow.Source), AddressOf(flow.Destination));
            var (from, to) = (NameOf(view, source), NameOf(view, destination));
            var reporter = source is not null && pod.Addresses.Contains(source) ? Reporter.Source : Reporter.Destination;
            metrics.Add(new NonTcpKey(reporter, from.Workload, from.Namespace, to.Workload, to.Namespace, NonTcpMetrics.ProtocolName(flow.Protocol)), flow.Packets, flow.Bytes);
        }
    }

    private static IPAddress? AddressOf(ByteString bytes) => bytes.Length is 4 or 16 ? new IPAddress(bytes.Span) : null;

    private static (string Workload, string Namespace) NameOf(MeshView view, IPAddress? address)
    {
        if (address is null) return ("other", "other");
        if (view.TryFindWorkload(address, out var workload)) return (workload.WorkloadName, workload.Namespace);
        return view.TryFindService(address, out var service) ? (service.Service.Name, service.Service.Namespace) : ("", "");
    }
}
