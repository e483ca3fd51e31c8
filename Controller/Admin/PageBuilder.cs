using System.Collections.Immutable;
using System.Net;
using Ambient.Controller.Enrolment;
using Ambient.Controller.Model;
using Ambient.Controller.Replicas;
using Ambient.Controller.Streams;
using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Identity;
using Ambient.Protocol.Mesh.V1;
using Google.Protobuf;

namespace Ambient.Controller.Admin;

/// <summary>Makes the admin pages out of one moment's state. Pure.</summary>
internal static class PageBuilder
{
    /// <param name="remote">The nodes of other replicas.</param>
    /// <param name="self">This replica; null where there are no others.</param>
    internal static NodesPage Nodes(Overview overview, ImmutableDictionary<string, MeshNodeStatus> remote, ReplicaPage? self, PageQuery query, DateTimeOffset now)
    {
        var sessions = overview.Sessions.ToDictionary(s => s.Node);
        var records = overview.Nodes.ToDictionary(n => n.Name);
        var pods = (overview.Model?.Pods.Values ?? []).ToLookup(p => p.Node);
        // A node that pods are placed on and that never came is what one looks for first.
        var names = query.Of(records.Keys.Concat(remote.Keys).Concat(pods.Select(p => p.Key)).Where(n => n.Length > 0).Distinct(), n => n, out var next);
        return new NodesPage(overview.Epoch, overview.Version, [.. names.Select(name =>
        {
            var record = records.GetValueOrDefault(name) ?? NodeRecord.New(name);
            ImmutableArray<NodePodPage> own = [.. pods[name].Where(p => overview.Pods.ContainsKey(p.Uid)).OrderBy(p => (p.Namespace, p.Name)).Select(p => PodOf(p, overview.Pods[p.Uid]))];
            return sessions.GetValueOrDefault(name) is { } session ? PageOf(session, record, own, overview, self, now)
                : remote.GetValueOrDefault(name) is { } status ? PageOf(name, status, own, now)
                : new NodePage(name, false, null, null, record.BootId, null, null, null, null, null, null, record.OrderVersion, record.Capabilities, own);
        })])
        { Replica = self, Continue = next };
    }

    internal static WorkloadsPage Workloads(Overview overview, PageQuery query)
    {
        var asked = (overview.Model?.Pods.Values ?? []).Where(p => query.Namespace is null || p.Namespace == query.Namespace);
        var pods = query.Of(asked, p => $"{p.Namespace}\0{p.Name}\0{p.Uid}", out var next);
        var leftOut = asked.Where(p => p.LeftOutReason.Length > 0).CountBy(p => p.LeftOutReason).OrderBy(reason => reason.Key, StringComparer.Ordinal);
        return new WorkloadsPage(overview.Version, [.. pods.Select(p =>
        {
            var enrolment = overview.Pods.GetValueOrDefault(p.Uid);
            return new WorkloadPage(p.Uid, p.Namespace, p.Name, p.WorkloadName, p.ServiceAccount, p.Node,
                [.. p.Addresses.Select(a => a.ToString())], p.HostNetwork, Lower(enrolment?.State ?? EnrolmentState.None), Lower(p.Mode),
                SpiffeId.TryOf(overview.Model!.Settings.TrustDomain, p.Namespace, p.ServiceAccount, out var id, out _) ? id.ToString() : "",
                p.DirectForbiddenReason, enrolment is null ? "" : Lower(enrolment.Phase), enrolment?.Reason ?? p.LeftOutReason)
            {
                PortModes = [.. p.PortModes.Select(m => $"{m.Port}={m.Mode.ToString().ToUpperInvariant()}")],
                Policies = p.Policies,
            };
        })])
        { Continue = next, LeftOut = [.. leftOut.Select(reason => new LeftOutPage(reason.Key, reason.Value))] };
    }

    internal static ServicesPage Services(Overview overview, PageQuery query)
    {
        var resources = overview.Model?.Resources ?? [];
        var services = query.Of(resources.Select(r => r.Service).OfType<ServiceResource>().Where(s => query.Namespace is null || s.Namespace == query.Namespace),
            s => $"{s.Namespace}\0{s.Name}", out var next);
        var shown = services.Select(s => (s.Namespace, s.Name)).ToHashSet();
        var endpoints = resources.Select(r => r.Endpoint).OfType<EndpointResource>().Where(e => shown.Contains((e.ServiceNamespace, e.ServiceName)))
            .ToLookup(e => (e.ServiceNamespace, e.ServiceName));
        return new ServicesPage(overview.Version, [.. services.Select(s => new ServicePage(s.Namespace, s.Name, [.. s.Addresses.Select(Text)], s.Headless,
            [.. s.Ports.Select(p => new ServicePortPage(p.Name, p.Port, p.Protocol, p.AppProtocol))],
            [.. endpoints[(s.Namespace, s.Name)].Select(e => new EndpointPage(Text(e.Address), e.WorkloadUid, e.Ready, e.Zone,
                [.. e.Ports.Select(p => new EndpointPortPage(p.Name, p.Port))]))]))])
        { Continue = next };
    }

    private static NodePage PageOf(SessionStatus session, NodeRecord record, ImmutableArray<NodePodPage> pods, Overview overview, ReplicaPage? self, DateTimeOffset now) =>
        new(session.Node, true, session.Peer, session.Software, record.BootId, session.ConnectedSince, session.AckedVersion,
            overview.Version - Math.Min(session.AckedVersion, overview.Version), session.OutstandingSince is { } since ? (now - since).TotalSeconds : null,
            session.LastNack, session.CertificateProblem, record.OrderVersion, record.Capabilities, pods)
        {
            Replica = self?.Name,
            Epoch = overview.Epoch,
            Health = session.Health is { } health ? HealthOf(HealthState.Of(health), health.Reason, health.Detail) : null,
        };

    // What another replica wrote: versions are those of its epoch, so that their distance from ours says nothing.
    private static NodePage PageOf(string name, MeshNodeStatus status, ImmutableArray<NodePodPage> pods, DateTimeOffset now) =>
        new(name, status.Connected, status.Peer, status.Software, status.BootId, status.ConnectedSince is { } since ? new DateTimeOffset(since.ToUniversalTime()) : null,
            (ulong)Math.Max(0, status.AckedVersion), null, status.UnackedSince is { } unacked ? Math.Max(0, (now - unacked.ToUniversalTime()).TotalSeconds) : null,
            status.LastNack, null, (ulong)Math.Max(0, status.OrderVersion), [.. status.Capabilities], pods)
        {
            Replica = status.Replica,
            Epoch = status.Epoch,
            Health = status.Health is { } health ? HealthOf(health.State, health.Reason, health.Detail) : null,
        };

    private static NodeHealthPage HealthOf(string state, string? reason, string? detail) => new(state.ToLowerInvariant(), reason ?? "", detail ?? "");

    private static NodePodPage PodOf(MeshPod pod, PodEnrolment enrolment) => new(pod.Uid, pod.Namespace, pod.Name, Lower(enrolment.State),
        Lower(enrolment.Phase), enrolment.Reason, enrolment.ConnectionsFromBefore);

    private static string Lower<T>(T value) where T : struct, Enum => value.ToString().ToLowerInvariant();

    private static string Text(ByteString address) => new IPAddress(address.Span).ToString();
}
