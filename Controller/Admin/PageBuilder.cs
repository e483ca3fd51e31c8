using System.Net;
using Ambient.Controller.Enrolment;
using Ambient.Controller.Model;
using Ambient.Controller.Streams;
using Ambient.Protocol.Identity;
using Ambient.Protocol.Mesh.V1;
using Google.Protobuf;

namespace Ambient.Controller.Admin;

/// <summary>Makes the admin pages out of one moment's state. Pure.</summary>
internal static class PageBuilder
{
    internal static NodesPage Nodes(Overview overview, DateTimeOffset now)
    {
        var sessions = overview.Sessions.ToDictionary(s => s.Node);
        var records = overview.Nodes.ToDictionary(n => n.Name);
        var pods = (overview.Model?.Pods.Values ?? []).ToLookup(p => p.Node);
        // A node that pods are placed on and that never came is what one looks for first.
        var names = records.Keys.Concat(pods.Select(p => p.Key)).Where(n => n.Length > 0).Distinct().Order(StringComparer.Ordinal);
        return new NodesPage(overview.Epoch, overview.Version, [.. names.Select(name =>
        {
            var session = sessions.GetValueOrDefault(name);
            var record = records.GetValueOrDefault(name) ?? NodeRecord.New(name);
            return new NodePage(name, session is not null, session?.Peer, session?.Software, record.BootId, session?.ConnectedSince,
                session?.AckedVersion, session is null ? null : overview.Version - Math.Min(session.AckedVersion, overview.Version),
                session?.OutstandingSince is { } since ? (now - since).TotalSeconds : null, session?.LastNack, session?.CertificateProblem,
                record.OrderVersion, record.Capabilities,
                [.. pods[name].Where(p => overview.Pods.ContainsKey(p.Uid)).OrderBy(p => (p.Namespace, p.Name)).Select(p => PodOf(p, overview.Pods[p.Uid]))]);
        })]);
    }

    internal static WorkloadsPage Workloads(Overview overview) => new(overview.Version,
        [.. (overview.Model?.Pods.Values ?? []).OrderBy(p => (p.Namespace, p.Name)).Select(p =>
        {
            var enrolment = overview.Pods.GetValueOrDefault(p.Uid);
            return new WorkloadPage(p.Uid, p.Namespace, p.Name, p.WorkloadName, p.ServiceAccount, p.Node,
                [.. p.Addresses.Select(a => a.ToString())], p.HostNetwork, Lower(enrolment?.State ?? EnrolmentState.None), Lower(p.Mode),
                SpiffeId.TryOf(overview.Model!.Settings.TrustDomain, p.Namespace, p.ServiceAccount, out var id, out _) ? id.ToString() : "",
                p.DirectForbiddenReason, enrolment is null ? "" : Lower(enrolment.Phase), enrolment?.Reason ?? "")
            {
                PortModes = [.. p.PortModes.Select(m => $"{m.Port}={m.Mode.ToString().ToUpperInvariant()}")],
                Policies = p.Policies,
            };
        })]);

    internal static ServicesPage Services(Overview overview)
    {
        var endpoints = (overview.Model?.Resources ?? []).Select(r => r.Endpoint).OfType<EndpointResource>()
            .ToLookup(e => (e.ServiceNamespace, e.ServiceName));
        return new ServicesPage(overview.Version, [.. (overview.Model?.Resources ?? []).Select(r => r.Service).OfType<ServiceResource>()
            .OrderBy(s => (s.Namespace, s.Name)).Select(s => new ServicePage(s.Namespace, s.Name, [.. s.Addresses.Select(Text)], s.Headless,
                [.. s.Ports.Select(p => new ServicePortPage(p.Name, p.Port, p.Protocol, p.AppProtocol))],
                [.. endpoints[(s.Namespace, s.Name)].Select(e => new EndpointPage(Text(e.Address), e.WorkloadUid, e.Ready, e.Zone,
                    [.. e.Ports.Select(p => new EndpointPortPage(p.Name, p.Port))]))]))]);
    }

    private static NodePodPage PodOf(MeshPod pod, PodEnrolment enrolment) => new(pod.Uid, pod.Namespace, pod.Name, Lower(enrolment.State),
        Lower(enrolment.Phase), enrolment.Reason, enrolment.ConnectionsFromBefore);

    private static string Lower<T>(T value) where T : struct, Enum => value.ToString().ToLowerInvariant();

    private static string Text(ByteString address) => new IPAddress(address.Span).ToString();
}
