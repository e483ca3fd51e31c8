using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Ambient.Controller.Sources;
using Ambient.Tests.Kubernetes.Cluster;

namespace Ambient.Tests.Kubernetes.Source;

/// <summary>What the source makes of what the API tells.</summary>
public sealed class FollowingTests(ApiServer server)
{
    // A controller that starts must not be kept from serving by an object that would be ignored if it could be read.
    [Fact]
    public async Task Settings_that_cannot_be_read_keep_a_start_up_only_if_they_are_the_ones_that_count()
    {
        await using var own = await ApiServer.StartFakeAsync();
        await own.ApplyAsync(Manifest.Definition("meshconfigs"));
        await own.ApplyAsync("""
            { apiVersion: ambient.mesh/v1alpha1, kind: MeshConfig, metadata: { name: mesh }, spec: { mode: STRICT } }
            ---
            { apiVersion: ambient.mesh/v1alpha1, kind: MeshConfig, metadata: { name: zz }, spec: { podRanges: [ 10.244.1.0/16 ] } }
            """);
        await using var source = await FollowedSource.StartAsync(own.KubeconfigPath);
        Assert.Equal("mesh", Assert.Single(source.All<MeshConfigObject>()).Name);
        Assert.Contains("zz", Assert.Single(source.Last.Faults).ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_pod_is_told_with_what_the_mesh_needs_and_nothing_else()
    {
        var ns = await server.CreateNamespaceAsync("following", ("ambient.mesh/enroll", "true"));
        await server.ApplyAsync(Objects.Pod(ns, "web", "10.1.0.9"));
        await using var source = await FollowedSource.StartAsync(server.KubeconfigPath);

        var pod = Assert.Single(source.All<PodObject>(), p => p.Namespace == ns);
        Assert.Equal(("web", "node-a", "10.1.0.9"), (pod.Name, pod.Node, string.Join(',', pod.Addresses)));
        Assert.True(Guid.TryParse(pod.Uid, out _));
        Assert.True(pod.IsReady);
        Assert.Equal(8080, pod.NamedPorts["http"]);
        Assert.Equal(8080, Assert.Single(pod.Probes).Port);
        Assert.Equal(["ambient.mesh/exclude-inbound-ports"], pod.Annotations.Keys);
        Assert.Equal("true", Assert.Single(source.All<NamespaceObject>(), n => n.Name == ns).Labels["ambient.mesh/enroll"]);
    }

    [Fact]
    public async Task Services_slices_nodes_and_policies_are_told()
    {
        var ns = await server.CreateNamespaceAsync("following");
        var node = server.Name("node");
        await server.ApplyAsync($$"""
            { apiVersion: v1, kind: Service, metadata: { name: web, namespace: {{ns}} }, spec: { selector: { app: web }, ports: [ { name: http, port: 80, targetPort: 8080, protocol: TCP } ] } }
            ---
            { apiVersion: v1, kind: Service, metadata: { name: elsewhere, namespace: {{ns}} }, spec: { type: ExternalName, externalName: example.com } }
            ---
            apiVersion: v1
            kind: Node
            metadata: { name: {{node}}, labels: { topology.kubernetes.io/zone: z1, more: labels } }
            status: { addresses: [ { type: InternalIP, address: 192.168.7.1 }, { type: Hostname, address: somewhere } ] }
            ---
            {{Objects.NetworkPolicy(ns, "closed", "app: web")}}
            """);
        await server.ApplyAsync(server.HasSlicesV1 ? Slice("v1", "nodeName: node-a, zone: z1") : Slice("v1beta1", "topology: { kubernetes.io/hostname: node-a, topology.kubernetes.io/zone: z1 }"));
        await using var source = await FollowedSource.StartAsync(server.KubeconfigPath);

        var service = Assert.Single(source.All<ServiceObject>(), s => s.Namespace == ns);
        Assert.Equal("web", service.Name);
        Assert.Single(service.Addresses);
        Assert.Equal((80, 8080), (service.Ports[0].Port, service.Ports[0].TargetPort));
        var slice = Assert.Single(source.All<EndpointSliceObject>(), s => s.Namespace == ns);
        Assert.Equal(("web", "10.1.0.9", "node-a", "z1"), (slice.Service, slice.Endpoints[0].Addresses[0].ToString(), slice.Endpoints[0].Node, slice.Endpoints[0].Zone));
        var told = Assert.Single(source.All<NodeObject>(), n => n.Name == node);
        Assert.Equal(("192.168.7.1", "z1"), (string.Join(',', told.Addresses), told.Zone));
        Assert.Equal("closed", Assert.Single(source.All<NetworkPolicyObject>(), p => p.Namespace == ns).Name);

        string Slice(string version, string place) => $$"""
            apiVersion: discovery.k8s.io/{{version}}
            kind: EndpointSlice
            metadata: { name: web-1, namespace: {{ns}}, labels: { kubernetes.io/service-name: web } }
            addressType: IPv4
            endpoints: [ { addresses: [ 10.1.0.9 ], conditions: { ready: true }, {{place}}, targetRef: { kind: Pod, name: web, namespace: {{ns}} } } ]
            ports: [ { name: http, port: 8080, protocol: TCP } ]
            """;
    }

    [Fact]
    public async Task A_slice_that_belongs_to_no_service_is_passed_over_until_it_belongs_to_one()
    {
        // Kubernetes documentation, "EndpointSlices", Ownership: the label kubernetes.io/service-name tells the service, and whoever makes a
        // slice for something else leaves it out.
        var ns = await server.CreateNamespaceAsync("following");
        await server.ApplyAsync(Slice("") + Objects.Pod(ns, "web", "10.1.0.9"));
        await using var source = await FollowedSource.StartAsync(server.KubeconfigPath);
        Assert.DoesNotContain(source.All<EndpointSliceObject>(), s => s.Namespace == ns);
        Assert.DoesNotContain(source.Last.Faults, f => f.ToString().Contains(ns));

        await server.ApplyAsync(Slice(", labels: { kubernetes.io/service-name: web }"));
        await source.UntilAsync(s => s.All<EndpointSliceObject>().Any(slice => slice.Namespace == ns && slice.Service == "web"), "a slice with an owner");

        string Slice(string labels) => $$"""
            apiVersion: discovery.k8s.io/{{(server.HasSlicesV1 ? "v1" : "v1beta1")}}
            kind: EndpointSlice
            metadata: { name: raft-peers, namespace: {{ns}}{{labels}} }
            addressType: IPv4
            endpoints: [ { addresses: [ 10.1.0.9 ] } ]
            ports: [ { name: raft, port: 7000, protocol: TCP } ]
            ---

            """;
    }

    [Fact]
    public async Task Two_hundred_pods_are_in_and_out_with_the_label_of_their_namespace()
    {
        var ns = await server.CreateNamespaceAsync("following");
        for (var i = 0; i < 200; i++)
            await server.ApplyAsync(Objects.Pod(ns, $"web-{i}", $"10.2.{i / 100}.{(i % 100) + 1}"));
        await using var source = await FollowedSource.StartAsync(server.KubeconfigPath);
        Assert.Equal(200, source.Pods(ns).Count);

        var model = new ModelOf(source);
        Assert.Equal(0, model.Enrolled(ns));
        foreach (var (label, expected) in new[] { ("true", 200), ((string?)null, 0) })
        {
            var took = System.Diagnostics.Stopwatch.StartNew();
            await LabelAsync(ns, label);
            await source.UntilAsync(s => s.All<NamespaceObject>().Single(n => n.Name == ns).Labels.GetValueOrDefault("ambient.mesh/enroll") == label, $"label {label}");
            var told = took.Elapsed;
            Assert.Equal(expected, model.Enrolled(ns));
            TestContext.Current.TestOutputHelper?.WriteLine($"label {label ?? "off"}: told {told.TotalMilliseconds:0} ms after the request began (bound 100, checked at 1000)");
            Assert.InRange(told.TotalMilliseconds, 0, 1000);
        }
    }

    [Fact]
    public async Task What_does_not_concern_the_mesh_is_not_told_again()
    {
        var ns = await server.CreateNamespaceAsync("following");
        await server.ApplyAsync(Objects.Pod(ns, "web", "10.1.0.9") + Objects.Pod(ns, "other", "10.1.0.10"));
        await using var source = await FollowedSource.StartAsync(server.KubeconfigPath);
        var before = source.All<PodObject>().Single(p => p.Namespace == ns && p.Name == "web");

        await server.MergePatchAsync($"/api/v1/namespaces/{ns}/pods/web", """{ "metadata": { "annotations": { "kubectl.kubernetes.io/last-thought": "much" } } }""");
        await server.ApplyAsync(Objects.Pod(ns, "other", "10.1.0.11"));

        await source.UntilAsync(s => s.Pods(ns)[$"{ns}/other"].Contains("10.1.0.11"), "the other pod's new address");
        Assert.Same(before, source.All<PodObject>().Single(p => p.Namespace == ns && p.Name == "web"));
    }

    [Fact]
    public async Task Own_kinds_are_followed_once_they_are_installed_and_gone_with_their_definition()
    {
        // A server of its own where it can be: others must not lose their kinds. A real one is shared, and keeps them.
        await using var own = server.IsReal ? null : await ApiServer.StartFakeAsync();
        var api = own ?? server;
        var ns = await api.CreateNamespaceAsync("following");
        await using var source = await FollowedSource.StartAsync(api.KubeconfigPath);
        if (own is not null)
            Assert.Empty(source.All<AccessPolicyObject>());

        await api.ApplyAsync(Manifest.Definition("accesspolicies"));
        await api.ApplyAsync($$"""
            { apiVersion: ambient.mesh/v1alpha1, kind: AccessPolicy, metadata: { name: good, namespace: {{ns}} }, spec: { rules: [ { from: [ { namespaces: [ shop ] } ] } ] } }
            ---
            { apiVersion: ambient.mesh/v1alpha1, kind: AccessPolicy, metadata: { name: odd, namespace: {{ns}} }, spec: { rules: [ { from: [ { namespaces: [ shop ], nonsense: [ shop ] } ] } ] } }
            """);
        await source.UntilAsync(s => s.All<AccessPolicyObject>().Count(p => p.Namespace == ns) == 2, "two policies");
        Assert.Null(source.All<AccessPolicyObject>().Single(p => p.Namespace == ns && p.Name == "good").Unenforceable);
        Assert.Contains($"AccessPolicy {ns}/odd", source.All<AccessPolicyObject>().Single(p => p.Namespace == ns && p.Name == "odd").Unenforceable);
        if (own is null)
            return;
        await own.DeleteAsync("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", "accesspolicies.ambient.mesh");
        await source.UntilAsync(s => s.All<AccessPolicyObject>().IsEmpty, "no policies");
    }

    [Fact]
    public async Task An_object_that_cannot_be_read_leaves_in_force_what_it_was_and_is_a_fault()
    {
        await using var own = await ApiServer.StartFakeAsync();
        var ns = await own.CreateNamespaceAsync("following");
        await own.ApplyAsync(Objects.Pod(ns, "web", "10.1.0.9") + Objects.Pod(ns, "other", "10.1.0.10"));
        await using var source = await FollowedSource.StartAsync(own.KubeconfigPath);

        await own.ApplyAsync(Objects.Pod(ns, "web", "no address") + Objects.Pod(ns, "other", "10.1.0.11"));
        await source.UntilAsync(s => s.Last.Faults.Length == 1 && s.Pods(ns)[$"{ns}/other"].Contains("10.1.0.11"), "a fault, and the other pod");
        Assert.Equal($"Pod {ns}/web", source.Last.Faults[0].Place.Origin);
        Assert.Equal(("Pod", ns, "web"), source.Last.Faults[0].Identity);
        Assert.Contains("10.1.0.9", source.Pods(ns)[$"{ns}/web"]);

        await own.ApplyAsync(Objects.Pod(ns, "web", "10.1.0.12"));
        await source.UntilAsync(s => s.Last.Faults.IsEmpty && s.Pods(ns)[$"{ns}/web"].Contains("10.1.0.12"), "no fault");
    }

    private Task LabelAsync(string ns, string? value) => server.MergePatchAsync($"/api/v1/namespaces/{ns}",
        new JsonObject { ["metadata"] = new JsonObject { ["labels"] = new JsonObject { ["ambient.mesh/enroll"] = value } } }.ToJsonString());
}
