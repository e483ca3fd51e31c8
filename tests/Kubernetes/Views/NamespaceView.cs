using System.Collections.Immutable;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Ambient.NodeProxy.Discovery;
using Ambient.Protocol.Model;
using Ambient.Tests.Kubernetes.Cluster;

namespace Ambient.Tests.Kubernetes.Views;

/// <summary>What there is in a namespace, a line each: pods with identity, node and addresses, services, and their endpoints with port and readiness.</summary>
internal sealed record NamespaceView(ImmutableSortedSet<string> Lines)
{
    private const string TrustDomain = "cluster.local";

    /// <summary>By the API, which is asked for whole lists.</summary>
    internal static async Task<NamespaceView> OfApiAsync(ApiServer server, string ns, string slicesPath)
    {
        var pods = await ListAsync(server, $"/api/v1/namespaces/{ns}/pods");
        var services = await ListAsync(server, $"/api/v1/namespaces/{ns}/services");
        var slices = await ListAsync(server, slicesPath);
        var lines = ImmutableSortedSet.CreateBuilder<string>(StringComparer.Ordinal);
        var uids = pods.ToDictionary(NameOf, pod => (string)pod["metadata"]!["uid"]!);
        foreach (var pod in pods)
        {
            lines.Add(PodLine((string)pod["metadata"]!["uid"]!, NameOf(pod), $"spiffe://{TrustDomain}/ns/{ns}/sa/{pod["spec"]!["serviceAccountName"]}", (string)pod["spec"]!["nodeName"]!,
                [.. pod["status"]!["podIPs"]!.AsArray().Select(ip => IPAddress.Parse((string)ip!["ip"]!))], Enrolment.Enrolled));
        }
        foreach (var service in services)
        {
            lines.Add(ServiceLine(NameOf(service), [IPAddress.Parse((string)service["spec"]!["clusterIP"]!)], [.. service["spec"]!["ports"]!.AsArray().Select(port => (int)port!["port"]!)]));
            foreach (var slice in slices.Where(slice => (string?)slice["metadata"]!["labels"]!["kubernetes.io/service-name"] == NameOf(service)))
            {
                foreach (var endpoint in slice["endpoints"] as JsonArray ?? [])
                {
                    lines.Add(EndpointLine(NameOf(service), IPAddress.Parse((string)endpoint!["addresses"]![0]!), uids[(string)endpoint["targetRef"]!["name"]!],
                        (int)slice["ports"]![0]!["port"]!, (bool)endpoint["conditions"]!["ready"]!));
                }
            }
        }
        return new NamespaceView(lines.ToImmutable());
    }

    /// <summary>As a node has it, and finds it when a connection asks: pods and services are looked up by their addresses, endpoints as they are chosen from.</summary>
    internal static NamespaceView OfNode(MeshView view, string ns)
    {
        var lines = ImmutableSortedSet.CreateBuilder<string>(StringComparer.Ordinal);
        foreach (var pod in view.Workloads.Where(pod => pod.Namespace == ns))
        {
            lines.Add(PodLine(pod.Uid, pod.Name, $"{pod.IdentityIn(view.Settings.TrustDomain)}", pod.Node,
                [.. pod.Addresses.Where(address => view.TryFindWorkload(address, out var found) && found.Uid == pod.Uid)], pod.Enrolment));
        }
        foreach (var service in view.Services.Where(service => service.Service.Namespace == ns))
        {
            lines.Add(ServiceLine(service.Service.Name, [.. service.Service.Addresses.Where(address => view.TryFindService(address, out var found) && found == service)],
                [.. service.Service.Ports.Select(port => port.Port)]));
            var chosenFrom = service.ReadyEndpoints(service.Service.Ports[0]).Select(ready => ready.Key).ToHashSet();
            foreach (var endpoint in service.Endpoints)
                lines.Add(EndpointLine(service.Service.Name, endpoint.Address, endpoint.WorkloadUid, endpoint.Ports[0].Port, chosenFrom.Contains(endpoint.Key)));
        }
        return new NamespaceView(lines.ToImmutable());
    }

    /// <summary>Empty where there is no difference.</summary>
    internal string DifferenceTo(NamespaceView other) =>
        string.Join('\n', Lines.Except(other.Lines).Select(line => $"- {line}").Concat(other.Lines.Except(Lines).Select(line => $"+ {line}")).Take(20));

    private static string PodLine(string uid, string name, string identity, string node, IPAddress[] addresses, Enrolment state) =>
        $"pod {name} {uid} {identity} on {node} at {string.Join(',', addresses.Select(a => a.ToString()))} {state}";

    private static string ServiceLine(string name, IPAddress[] addresses, int[] ports) => $"service {name} at {string.Join(',', addresses.Select(a => a.ToString()))} ports {string.Join(',', ports)}";

    private static string EndpointLine(string service, IPAddress address, string? uid, int port, bool isReady) => $"endpoint of {service} {address}:{port} pod {uid} {(isReady ? "ready" : "not ready")}";

    private static async Task<JsonObject[]> ListAsync(ApiServer server, string path) =>
        [.. (await server.Http.GetFromJsonAsync<JsonObject>(path))!["items"]!.AsArray().Select(item => item!.AsObject())];

    private static string NameOf(JsonObject item) => (string)item["metadata"]!["name"]!;
}
