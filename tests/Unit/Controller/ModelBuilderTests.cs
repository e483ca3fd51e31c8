using Ambient.Controller.Model;
using Ambient.Controller.Sources;
using Ambient.Controller.Sources.Yaml;
using Ambient.Protocol.Mesh.V1;

namespace Ambient.Tests.Unit.Controller;

public sealed class ModelBuilderTests
{
    [Theory]
    [InlineData("true", null, true)]
    [InlineData("true", "false", false)]
    [InlineData("false", "true", true)]
    [InlineData(null, "true", true)]
    [InlineData(null, null, false)]
    [InlineData("yes", null, false)]
    public void The_label_of_the_namespace_enrols_and_that_of_the_pod_wins(string? ns, string? pod, bool enrolled)
    {
        var model = Build(Namespace("shop", ns is null ? "" : $"ambient.mesh/enroll: '{ns}'"),
            Pod("web", labels: pod is null ? "app: web" : $"ambient.mesh/enroll: '{pod}'"));
        Assert.Equal(enrolled, model.Pods.Values.Single().WantsEnrolment);
    }

    [Theory]
    [InlineData("hostNetwork: true", "status: {podIP: 10.1.0.1}")]
    [InlineData("nodeName: ''", "status: {podIP: 10.1.0.1}")]
    [InlineData("nodeName: a", "status: {}")]
    public void A_pod_on_the_host_network_without_a_node_or_without_an_address_is_not_enrolled(string spec, string status)
    {
        var model = Build(Enrolled, $"{{kind: Pod, metadata: {{name: web, namespace: shop}}, spec: {{{spec}}}, {status}}}".Replace("{nodeName: ''}", "{}"));
        Assert.False(model.Pods.Values.Single().WantsEnrolment);
    }

    [Fact]
    public void Namespaces_that_the_mesh_itself_stands_on_are_never_enrolled()
    {
        var model = Build(Namespace("kube-system", "ambient.mesh/enroll: 'true'"), Pod("dns", ns: "kube-system"));
        Assert.False(model.Pods.Values.Single().WantsEnrolment);
        Assert.Empty(model.EnrolledNamespaces);
        Assert.Contains(model.Warnings, w => w.Contains("kube-system never is"));
    }

    [Fact]
    public void Nor_are_those_that_the_user_excludes()
    {
        var model = Build(Protocol.Model.ExcludedNamespaces.Parse("infra"), Namespace("infra", "ambient.mesh/enroll: 'true'"), Pod("prometheus", ns: "infra"), Namespace("kube-system", "ambient.mesh/enroll: 'true'"));
        Assert.False(model.Pods.Values.Single().WantsEnrolment);
        Assert.Empty(model.EnrolledNamespaces);
        Assert.Contains(model.Warnings, w => w.Contains("infra never is"));
    }

    [Fact]
    public void A_pod_that_has_finished_is_not_there_and_its_address_is_free()
    {
        var model = Build(Enrolled, "{kind: Pod, metadata: {name: done, namespace: shop}, spec: {nodeName: a}, status: {podIP: 10.1.0.1, phase: Succeeded}}",
            Pod("web", ip: "10.1.0.1"));
        Assert.Equal("web", model.Pods.Values.Single().Name);
        Assert.Empty(model.Warnings);
    }

    [Fact]
    public void A_pod_that_was_told_to_end_is_still_there_and_is_no_endpoint_while_there_is_another()
    {
        var model = Build(Enrolled,
            "{kind: Pod, metadata: {name: old, namespace: shop, labels: {app: web}, deletionTimestamp: '2026-01-01T00:00:00Z'}, spec: {nodeName: a}, status: {podIP: 10.1.0.1}}",
            "{kind: Pod, metadata: {name: young, namespace: shop, labels: {app: web}}, spec: {nodeName: a}, status: {podIP: 10.1.0.2}}",
            "{kind: Service, apiVersion: v1, metadata: {name: web, namespace: shop}, spec: {clusterIP: 10.2.0.1, selector: {app: web}, ports: [{port: 80}]}}");
        var pod = model.Pods.Values.Single(p => p.Name == "old");
        Assert.True(pod.WantsEnrolment && pod.ToResource(EnrolmentState.Enrolled, []).Workload.Terminating);
        Assert.Equal(["10.1.0.2"], model.Resources.Where(r => r.Endpoint is { Ready: true }).Select(r => new System.Net.IPAddress(r.Endpoint.Address.Span).ToString()));
    }

    [Fact]
    public void Of_two_pods_with_one_address_the_first_has_it_and_the_warning_names_both()
    {
        var model = Build(Enrolled, Pod("web", ip: "10.1.0.1"), Pod("api", ip: "10.1.0.1"));
        Assert.Equal("10.1.0.1", Assert.Single(model.Pods.Values.Single(p => p.Name == "web").Addresses).ToString());
        Assert.Empty(model.Pods.Values.Single(p => p.Name == "api").Addresses);
        Assert.Equal("Pod shop/api (2.yaml:1) loses address 10.1.0.1: Pod shop/web (1.yaml:1) has it", Assert.Single(model.Warnings));
    }

    [Fact]
    public void Pods_of_the_host_network_share_their_nodes_address()
    {
        var model = Build(Enrolled, Pod("one", spec: "hostNetwork: true", ip: "192.168.0.1"), Pod("two", spec: "hostNetwork: true", ip: "192.168.0.1"));
        Assert.All(model.Pods.Values, p => Assert.Single(p.Addresses));
        Assert.Empty(model.Warnings);
    }

    [Fact]
    public void Of_two_objects_with_one_name_or_one_uid_the_first_counts_and_the_warning_names_both()
    {
        var model = Build(Enrolled, Pod("web"), Pod("web", ip: "10.1.0.9"), Pod("api", ip: "10.1.0.2", uid: "u"), Pod("cache", ip: "10.1.0.3", uid: "u"));
        Assert.Equal(["api", "web"], model.Pods.Values.Select(p => p.Name).Order());
        Assert.Equal(["Pod shop/cache (4.yaml:1) is ignored: Pod shop/api (3.yaml:1) has the same uid u",
            "Pod shop/web (2.yaml:1) is ignored: Pod shop/web (1.yaml:1) has the same name"], model.Warnings);
    }

    [Fact]
    public void A_pod_without_a_uid_has_the_same_one_each_time()
    {
        Assert.Equal(Build(Enrolled, Pod("web")).Pods.Keys, Build(Enrolled, Pod("web")).Pods.Keys);
        Assert.NotEqual(Build(Enrolled, Pod("web")).Pods.Keys, Build(Enrolled, Pod("api")).Pods.Keys);
    }

    [Fact]
    public void A_namespace_that_the_source_does_not_hold_is_warned_about()
    {
        Assert.Contains("which the source does not hold", Assert.Single(Build(Pod("web")).Warnings));
    }

    [Fact]
    public void Endpoints_come_from_the_selector_where_there_is_no_slice()
    {
        var model = Build(Enrolled, Pod("web", labels: "app: web"), Pod("api", labels: "app: api", ip: "10.1.0.2",
                spec: "containers: [{ports: [{name: http, containerPort: 8081}]}]"),
            "{kind: Service, metadata: {name: api, namespace: shop}, spec: {clusterIP: 10.2.0.1, selector: {app: api}, ports: [{name: a, port: 80, targetPort: http}, {name: b, port: 81}, {name: c, port: 82, targetPort: 9000}]}}");
        var endpoint = Assert.Single(Endpoints(model));
        Assert.Equal("endpoint/shop/api/10.1.0.2", endpoint.Key);
        Assert.Equal([8081u, 81u, 9000u], endpoint.Endpoint.Ports.Select(p => p.Port));
        Assert.True(endpoint.Endpoint.Ready);
    }

    // A port's name may begin with a digit; it has a letter somewhere (IANA service name, RFC 6335 section 5.1).
    [Fact]
    public void A_target_port_that_begins_with_a_digit_is_a_name()
    {
        var model = Build(Enrolled, Pod("api", labels: "app: api", ip: "10.1.0.2",
                spec: "containers: [{ports: [{name: 9p-http, containerPort: 8081}], livenessProbe: {httpGet: {path: /, port: 9p-http}}}]"),
            "{kind: Service, metadata: {name: api, namespace: shop}, spec: {clusterIP: 10.2.0.1, selector: {app: api}, ports: [{port: 80, targetPort: 9p-http}]}}");
        Assert.Equal([8081u], Assert.Single(Endpoints(model)).Endpoint.Ports.Select(p => p.Port));
    }

    [Theory]
    [InlineData("containers: [{ports: [{name: http, containerPort: 53, protocol: UDP}]}, {ports: [{name: http, containerPort: 8081}]}, {ports: [{name: http, containerPort: 8082}]}]")]
    [InlineData("containers: [{name: app}], initContainers: [{name: once, ports: [{name: http, containerPort: 1}]}, {restartPolicy: Always, ports: [{name: http, containerPort: 8081, protocol: TCP}]}]")]
    [InlineData("containers: [{ports: [{name: http, containerPort: 8081}]}], initContainers: [{restartPolicy: Always, ports: [{name: http, containerPort: 2}]}]")]
    public void A_target_port_is_the_first_TCP_port_of_that_name_sidecars_last(string spec)
    {
        var model = Build(Enrolled, Pod("api", labels: "app: api", ip: "10.1.0.2", spec: spec),
            "{kind: Service, metadata: {name: api, namespace: shop}, spec: {clusterIP: 10.2.0.1, selector: {app: api}, ports: [{port: 80, targetPort: http}]}}");
        Assert.Equal([8081u], Assert.Single(Endpoints(model)).Endpoint.Ports.Select(p => p.Port));
    }

    [Fact]
    public void A_pod_that_is_not_ready_is_an_endpoint_that_is_not_ready()
    {
        var model = Build(Enrolled, "{kind: Pod, metadata: {name: api, namespace: shop, labels: {app: api}}, spec: {nodeName: a}, status: {podIP: 10.1.0.2, conditions: [{type: Ready, status: 'False'}]}}",
            Service("api"));
        Assert.False(Assert.Single(Endpoints(model)).Endpoint.Ready);
    }

    [Fact]
    public void Slices_win_over_the_selector_and_one_address_in_two_of_them_has_the_ports_of_both()
    {
        var model = Build(Enrolled, Pod("api", labels: "app: api", ip: "10.1.0.2", uid: "uid-api"), Service("api"),
            Slice("one", "endpoints: [{addresses: [10.1.0.2], targetRef: {kind: Pod, name: api}, zone: z1}, {addresses: [10.9.9.9], conditions: {ready: false}}], ports: [{name: x, port: 8080}]"),
            Slice("two", "endpoints: [{addresses: [10.1.0.2]}], ports: [{name: y, port: 9090}, {name: x, port: 1}]"));
        var endpoints = Endpoints(model).ToDictionary(e => e.Key, e => e.Endpoint);
        Assert.Equal(["endpoint/shop/api/10.1.0.2", "endpoint/shop/api/10.9.9.9"], endpoints.Keys.Order());
        var api = endpoints["endpoint/shop/api/10.1.0.2"];
        Assert.Equal([("x", 8080u), ("y", 9090u)], api.Ports.Select(p => (p.Name, p.Port)));
        Assert.Equal(("uid-api", "z1", true), (api.WorkloadUid, api.Zone, api.Ready));
        var outside = endpoints["endpoint/shop/api/10.9.9.9"];
        Assert.Equal(("", false), (outside.WorkloadUid, outside.Ready));
    }

    [Fact]
    public void Slices_that_name_what_is_not_there_are_warned_about_with_both_names()
    {
        var model = Build(Enrolled, Service("api"), Slice("one", "endpoints: [{addresses: [10.1.0.2], targetRef: {kind: Pod, name: ghost}}]"),
            Slice("two", "endpoints: []", service: "nothing"));
        Assert.Contains(model.Warnings, w => w.Contains("EndpointSlice shop/one") && w.Contains("pod shop/ghost"));
        Assert.Contains(model.Warnings, w => w.Contains("EndpointSlice shop/two") && w.Contains("service shop/nothing"));
        Assert.Equal("", Assert.Single(Endpoints(model)).Endpoint.WorkloadUid);
    }

    [Theory]
    [InlineData("", true)]
    [InlineData("matchLabels: {app: web}", true)]
    [InlineData("matchLabels: {app: api}", false)]
    [InlineData("matchLabels: {app: web, tier: front}", false)]
    [InlineData("matchExpressions: [{key: app, operator: In, values: [api, web]}]", true)]
    [InlineData("matchExpressions: [{key: app, operator: In, values: [api]}]", false)]
    [InlineData("matchExpressions: [{key: app, operator: NotIn, values: [api]}]", true)]
    [InlineData("matchExpressions: [{key: tier, operator: NotIn, values: [back]}]", true)]
    [InlineData("matchExpressions: [{key: app, operator: NotIn, values: [web]}]", false)]
    [InlineData("matchExpressions: [{key: app, operator: Exists}]", true)]
    [InlineData("matchExpressions: [{key: tier, operator: Exists}]", false)]
    [InlineData("matchExpressions: [{key: tier, operator: DoesNotExist}]", true)]
    [InlineData("matchExpressions: [{key: app, operator: DoesNotExist}]", false)]
    public void A_pod_that_a_network_policy_selects_gets_no_direct_traffic(string selector, bool selected)
    {
        var model = Build(Enrolled, Pod("web", labels: "app: web"), Policy("deny-all", selector));
        Assert.Equal(selected ? "NetworkPolicy shop/deny-all selects this pod" : "", model.Pods.Values.Single().DirectForbiddenReason);
    }

    [Fact]
    public void An_egress_policy_marks_the_pods_that_it_selects_as_sources()
    {
        var model = Build(Enrolled, Pod("web", labels: "app: web"), Pod("api", ip: "10.1.0.2", labels: "app: api"),
            "{kind: NetworkPolicy, apiVersion: networking.k8s.io/v1, metadata: {name: out, namespace: shop}, spec: {policyTypes: [Egress], podSelector: {matchLabels: {app: web}}}}");
        Assert.Equal("NetworkPolicy shop/out selects this pod", model.Pods.Values.Single(p => p.Name == "web").DirectForbiddenReason);
        Assert.Equal("", model.Pods.Values.Single(p => p.Name == "api").DirectForbiddenReason);
    }

    [Fact]
    public void A_policy_of_another_namespace_selects_nothing_here()
    {
        var model = Build(Enrolled, Pod("web"), Policy("deny-all", "").Replace("namespace: shop", "namespace: other"));
        Assert.Equal("", model.Pods.Values.Single().DirectForbiddenReason);
    }

    [Fact]
    public void A_policy_kind_that_is_not_understood_switches_direct_off_for_the_mesh()
    {
        var model = Build(Enrolled, "{kind: CiliumNetworkPolicy, apiVersion: cilium.io/v2}");
        Assert.False(model.Settings.DirectAllowed);
        Assert.Contains(model.Warnings, w => w.Contains("cilium.io/CiliumNetworkPolicy"));
    }

    [Fact]
    public void Settings_come_from_the_first_MeshConfig()
    {
        var model = Build("{kind: MeshConfig, apiVersion: ambient.mesh/v1alpha1, metadata: {name: m}, spec: {trustDomain: demo.local, podRanges: [10.1.0.0/16, 'fd00::/48'], serviceRanges: [10.2.0.0/16], mode: STRICT, direct: false, drainSeconds: 7}}",
            "{kind: MeshConfig, apiVersion: ambient.mesh/v1alpha1, metadata: {name: n}, spec: {}}", Enrolled, Pod("web"));
        Assert.Equal(("demo.local", ProtectionMode.Strict, false, 7),
            (model.Settings.TrustDomain, model.Settings.Mode, model.Settings.DirectAllowed, model.Settings.DrainSeconds));
        Assert.Equal(2, model.Settings.PodRanges.Length);
        Assert.Equal(ProtectionMode.Strict, model.Pods.Values.Single().Mode);
        Assert.Equal("MeshConfig n (1.yaml:1) is ignored: MeshConfig m (0.yaml:1) is the mesh's settings", Assert.Single(model.Warnings));
    }

    [Fact]
    public void Without_a_MeshConfig_the_mesh_is_permissive_and_uses_direct()
    {
        var settings = Build().Settings;
        Assert.Equal(("cluster.local", ProtectionMode.Permissive, true, 30), (settings.TrustDomain, settings.Mode, settings.DirectAllowed, settings.DrainSeconds));
    }

    [Fact]
    public void An_exclusion_that_is_no_port_excludes_nothing_and_is_named()
    {
        var model = Build(Enrolled, "{kind: Pod, metadata: {name: web, namespace: shop, annotations: {ambient.mesh/exclude-outbound-ports: '80,http,0,70000'}}, spec: {nodeName: a}, status: {podIP: 10.1.0.1}}");
        Assert.Equal([80u], model.Pods.Values.Single().Exclusions.OutboundPorts);
        Assert.Equal(3, model.Warnings.Length);
        Assert.Contains(model.Warnings, w => w.StartsWith("Pod shop/web (1.yaml:1): annotation ambient.mesh/exclude-outbound-ports: expected ports", StringComparison.Ordinal));
    }

    [Fact]
    public void The_workload_of_a_deployments_pod_is_called_after_the_deployment()
    {
        var model = Build(Enrolled, "{kind: Pod, metadata: {name: web-6d4cf56db6-x, namespace: shop, labels: {pod-template-hash: 6d4cf56db6}, ownerReferences: [{kind: ReplicaSet, name: web-6d4cf56db6, controller: true}]}, spec: {nodeName: a}, status: {podIP: 10.1.0.1}}");
        Assert.Equal("web", model.Pods.Values.Single().WorkloadName);
    }

    [Fact]
    public void A_resource_that_nodes_would_refuse_is_left_out_and_named_instead_of_spoiling_the_view()
    {
        var model = Build(Enrolled, "{kind: Service, metadata: {name: twice, namespace: shop}, spec: {clusterIP: 10.2.0.1, ports: [{port: 80}, {port: 80}]}}");
        Assert.DoesNotContain(model.Resources, r => r.Service is not null);
        Assert.Contains("service/shop/twice", Assert.Single(model.Warnings));
    }

    [Fact]
    public void A_headless_service_has_no_address_and_an_alias_is_no_service()
    {
        var model = Build(Enrolled, "{kind: Service, metadata: {name: h, namespace: shop}, spec: {clusterIP: None, ports: [{port: 80}]}}",
            "{kind: Service, metadata: {name: alias, namespace: shop}, spec: {type: ExternalName, externalName: example.com}}");
        var service = Assert.Single(model.Resources, r => r.Service is not null).Service;
        Assert.True(service.Headless);
        Assert.Empty(service.Addresses);
    }

    private const string Enrolled = "{kind: Namespace, metadata: {name: shop, labels: {ambient.mesh/enroll: 'true'}}}";

    private static string Namespace(string name, string labels) => $"{{kind: Namespace, metadata: {{name: {name}, labels: {{{labels}}}}}}}";

    private static string Pod(string name, string ns = "shop", string labels = "app: x", string ip = "10.1.0.1", string spec = "x: y", string? uid = null) =>
        $"{{kind: Pod, metadata: {{name: {name}, namespace: {ns}, labels: {{{labels}}}{(uid is null ? "" : $", uid: {uid}")}}}, spec: {{nodeName: a, {spec}}}, status: {{podIP: {ip}}}}}";

    private static string Service(string name) =>
        $"{{kind: Service, metadata: {{name: {name}, namespace: shop}}, spec: {{clusterIP: 10.2.0.1, selector: {{app: {name}}}, ports: [{{port: 80}}]}}}}";

    private static string Slice(string name, string rest, string service = "api") =>
        $"{{kind: EndpointSlice, apiVersion: discovery.k8s.io/v1, metadata: {{name: {name}, namespace: shop, labels: {{kubernetes.io/service-name: {service}}}}}, {rest}}}";

    private static string Policy(string name, string selector) =>
        $"{{kind: NetworkPolicy, apiVersion: networking.k8s.io/v1, metadata: {{name: {name}, namespace: shop}}, spec: {{podSelector: {{{selector}}}}}}}";

    private static IEnumerable<Resource> Endpoints(MeshModel model) => model.Resources.Where(r => r.Endpoint is not null);

    private static MeshModel Build(params string[] documents) => Build(Protocol.Model.ExcludedNamespaces.Always, documents);

    private static MeshModel Build(IReadOnlySet<string> excluded, params string[] documents)
    {
        var readers = documents.Select((text, i) =>
        {
            var reader = new ObjectReader($"{i}.yaml");
            foreach (var document in YamlDocuments.Read(text))
                reader.Read(document);
            return reader;
        }).ToList();
        return new ModelBuilder("cluster.local", excluded).Build(new SourceSnapshot([.. readers.SelectMany(r => r.Objects)],
            [.. readers.SelectMany(r => r.UnknownKinds)], [], IsStandalone: true));
    }
}
