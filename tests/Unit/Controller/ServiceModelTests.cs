using System.Net;
using Ambient.Controller.Model;
using Ambient.Controller.Sources;
using Ambient.Controller.Sources.Yaml;
using Ambient.Protocol.Mesh.V1;

namespace Ambient.Tests.Unit.Controller;

/// <summary>What nodes are told so that they can choose among endpoints.</summary>
public sealed class ServiceModelTests
{
    [Theory]
    [InlineData("", 0u)]
    [InlineData("sessionAffinity: None", 0u)]
    [InlineData("sessionAffinity: ClientIP", 10_800u)]
    [InlineData("sessionAffinity: ClientIP, sessionAffinityConfig: {clientIP: {timeoutSeconds: 60}}", 60u)]
    [InlineData("sessionAffinityConfig: {clientIP: {timeoutSeconds: 60}}", 0u)]
    public void Client_affinity_lasts_as_long_as_the_Service_says_or_three_hours(string spec, uint seconds) =>
        Assert.Equal(seconds, ServiceOf(Build(Service(spec))).ClientAffinitySeconds);

    [Theory]
    [InlineData("", TrafficDistribution.Anywhere)]
    [InlineData("trafficDistribution: PreferClose", TrafficDistribution.SameZoneFirst)]
    [InlineData("trafficDistribution: PreferSameZone", TrafficDistribution.SameZoneFirst)]
    [InlineData("trafficDistribution: PreferSameNode", TrafficDistribution.SameNodeFirst)]
    [InlineData("internalTrafficPolicy: Cluster", TrafficDistribution.Anywhere)]
    [InlineData("internalTrafficPolicy: Local", TrafficDistribution.SameNodeOnly)]
    [InlineData("internalTrafficPolicy: Local, trafficDistribution: PreferClose", TrafficDistribution.SameNodeOnly)]
    public void The_distribution_is_what_the_Service_says_and_the_policy_wins_over_the_wish(string spec, TrafficDistribution expected)
    {
        var model = Build(Service(spec));
        Assert.Equal(expected, ServiceOf(model).Distribution);
        Assert.Empty(model.Warnings);
    }

    [Fact]
    public void A_distribution_of_a_later_version_counts_as_none_and_is_named()
    {
        var model = Build(Service("trafficDistribution: PreferMoon"));
        Assert.Equal(TrafficDistribution.Anywhere, ServiceOf(model).Distribution);
        Assert.Contains("PreferMoon", Assert.Single(model.Warnings));
    }

    [Theory]
    [InlineData("sessionAffinity: Cookie", "expected None or ClientIP at spec.sessionAffinity")]
    [InlineData("internalTrafficPolicy: Near", "expected Cluster or Local at spec.internalTrafficPolicy")]
    [InlineData("sessionAffinity: ClientIP, sessionAffinityConfig: {clientIP: {timeoutSeconds: 0}}", "expected a number from 1 to 86400")]
    public void What_the_API_would_refuse_is_refused_with_what_was_expected(string spec, string message) =>
        Assert.Contains(message, Assert.Throws<YamlFaultException>(() => Build(Service(spec))).Message);

    [Fact]
    public void Nodes_are_told_with_their_own_addresses_and_their_zone()
    {
        var model = Build(Node("a", "z1", "10.0.0.1"));
        var node = Assert.Single(model.Resources, r => r.Node is not null);
        Assert.Equal(("node/a", "a", "z1"), (node.Key, node.Node.Name, node.Node.Zone));
        Assert.Equal(["10.0.0.1", "fd00::1"], node.Node.Addresses.Select(a => new IPAddress(a.Span).ToString()));
    }

    [Fact]
    public void A_node_cannot_take_the_address_of_a_pod()
    {
        var model = Build(Node("a", "z1", "10.1.0.2"), Pod("api"));
        Assert.Equal(["fd00::1"], Assert.Single(model.Resources, r => r.Node is not null).Node.Addresses.Select(a => new IPAddress(a.Span).ToString()));
        Assert.Contains(model.Warnings, w => w.StartsWith("Node a (", StringComparison.Ordinal) && w.Contains("loses address 10.1.0.2"));
    }

    [Theory]
    [InlineData("not-an-ip")]
    [InlineData("'fe80::1%eth0'")]
    [InlineData("0.0.0.0")]
    public void A_node_keeps_its_zone_and_its_other_addresses_where_one_is_none(string text)
    {
        var model = Build(Node("a", "z1", text));
        var node = Assert.Single(model.Resources, r => r.Node is not null).Node;
        Assert.Equal(("z1", "fd00::1"), (node.Zone, new IPAddress(Assert.Single(node.Addresses).Span).ToString()));
        Assert.EndsWith($"expected an IP address, found {text.Trim('\'')}: it is passed over", Assert.Single(model.Warnings));
    }

    [Fact]
    public void An_endpoint_is_where_its_slice_says_and_else_where_its_pod_is()
    {
        var model = Build(Node("a", "z1", "10.0.0.1"), Pod("api"), Service(""),
            Slice("{addresses: [10.1.0.2]}, {addresses: [10.1.0.3], nodeName: a}, {addresses: [10.1.0.4], nodeName: b, zone: z9}, {addresses: [10.1.0.5]}"));
        Assert.Equal([("a", "z1"), ("a", "z1"), ("b", "z9"), ("", "")], Endpoints(model).Select(e => (e.Node, e.Zone)));
    }

    [Fact]
    public void Without_nodes_in_the_source_endpoints_have_nodes_and_no_zones()
    {
        var model = Build(Pod("api"), Service(""));
        Assert.Equal([("a", "")], Endpoints(model).Select(e => (e.Node, e.Zone)));
        Assert.Empty(model.Warnings);
    }

    [Theory]
    [InlineData("ready: true", true)]
    [InlineData("", true)]
    [InlineData("ready: false", false)]
    [InlineData("ready: false, serving: true", false)]
    [InlineData("ready: false, serving: true, terminating: true", true)]
    [InlineData("ready: false, serving: false, terminating: true", false)]
    [InlineData("ready: true, terminating: true", true)]
    public void An_endpoint_that_is_leaving_and_serves_is_used_when_there_is_no_other(string conditions, bool used) =>
        Assert.Equal([used], Endpoints(Build(Service(""), Slice($"{{addresses: [10.1.0.2], conditions: {{{conditions}}}}}"))).Select(e => e.Ready));

    [Theory]
    [InlineData("", new[] { true, false, false })]
    [InlineData("internalTrafficPolicy: Local", new[] { true, false, true })]
    public void An_endpoint_that_is_leaving_is_not_used_beside_a_ready_one_of_the_same_choice(string spec, bool[] used)
    {
        const string Leaving = "conditions: {ready: false, serving: true, terminating: true}";
        var model = Build(Service(spec), Slice(
            $"{{addresses: [10.1.0.2], nodeName: a}}, {{addresses: [10.1.0.3], nodeName: a, {Leaving}}}, {{addresses: [10.1.0.4], nodeName: b, {Leaving}}}"));
        Assert.Equal(used, Endpoints(model).Select(e => e.Ready));
    }

    [Fact]
    public void A_pod_that_was_told_to_end_is_used_only_while_there_is_no_other()
    {
        var leaving = Pod("old", "10.1.0.3", metadata: "deletionTimestamp: '2026-01-01T00:00:00Z'");
        Assert.Equal([true], Endpoints(Build(leaving, Service(""))).Select(e => e.Ready));
        Assert.Equal([true, false], Endpoints(Build(leaving, Pod("new"), Service(""))).Select(e => e.Ready));
    }

    [Fact]
    public void A_service_that_publishes_addresses_that_are_not_ready_uses_them()
    {
        var model = Build(Service("publishNotReadyAddresses: true"), Slice("{addresses: [10.1.0.2], conditions: {ready: false}}"));
        Assert.True(Assert.Single(Endpoints(model)).Ready);
        model = Build(Service("publishNotReadyAddresses: true"), Pod("api", status: "conditions: [{type: Ready, status: 'False'}]"));
        Assert.True(Assert.Single(Endpoints(model)).Ready);
    }

    [Theory]
    [InlineData("3", 3u, 0)]
    [InlineData("0", 1u, 1)]
    [InlineData("1001", 1u, 1)]
    [InlineData("many", 1u, 1)]
    public void A_pod_says_its_weight_itself_and_a_word_that_is_none_is_named(string text, uint weight, int warnings)
    {
        var model = Build(Pod("api", metadata: $"annotations: {{ambient.mesh/weight: '{text}'}}"), Service(""));
        Assert.Equal(weight, Assert.Single(Endpoints(model)).Weight);
        Assert.Equal(warnings, model.Warnings.Length);
    }

    [Fact]
    public void Ports_of_other_protocols_are_no_ports_of_endpoints()
    {
        const string Ports = "ports: [{name: web, port: 80, protocol: UDP, targetPort: 1}, {name: web, port: 80, targetPort: 2}, {name: s, port: 81, protocol: SCTP}]";
        Assert.Equal([("web", 2u)], Assert.Single(Endpoints(Build(Pod("api"), Service(Ports)))).Ports.Select(p => (p.Name, p.Port)));
        var model = Build(Service(""), Slice("{addresses: [10.1.0.2]}", "{name: x, port: 1, protocol: UDP}, {name: x, port: 2, protocol: TCP}"));
        Assert.Equal([("x", 2u)], Assert.Single(Endpoints(model)).Ports.Select(p => (p.Name, p.Port)));
    }

    [Theory]
    [InlineData("ready: false", "ready: true")]
    [InlineData("ready: false", "ready: false, serving: true, terminating: true")]
    [InlineData("ready: false, serving: true, terminating: true", "ready: true")]
    public void An_address_that_one_slice_has_ready_and_another_has_not_has_the_ports_of_the_first_alone(string worse, string better)
    {
        foreach (var order in (string[][])[[worse, better], [better, worse]])
        {
            var slices = order.Select((conditions, i) => Slice($"{{addresses: [10.1.0.2], conditions: {{{conditions}}}, nodeName: {(conditions == better ? "b" : "a")}}}", conditions == better ? "{name: web, port: 8080}" : "{name: web, port: 1}, {name: odd, port: 2}")
                .Replace("name: one", $"name: s{i}", StringComparison.Ordinal));
            var endpoint = Assert.Single(Endpoints(Build([Service(""), .. slices])));
            Assert.True(endpoint.Ready);
            Assert.Equal([("web", 8080u)], endpoint.Ports.Select(p => (p.Name, p.Port)));
            Assert.Equal("b", endpoint.Node);
        }
    }

    // The API server takes any number (k8s.io/kubernetes, pkg/apis/discovery/validation).
    [Theory]
    [InlineData("0")]
    [InlineData("-5")]
    [InlineData("70000")]
    [InlineData("null")]
    public void A_port_of_a_slice_that_nobody_can_listen_on_takes_nothing_from_its_other_ports(string port)
    {
        var model = Build(Service(""), Slice("{addresses: [10.1.0.2]}", $"{{name: odd, port: {port}}}, {{name: web, port: 8080}}"));
        Assert.Equal([("web", 8080u)], Assert.Single(Endpoints(model)).Ports.Select(p => (p.Name, p.Port)));
    }

    private static string Pod(string name, string ip = "10.1.0.2", string metadata = "generation: 1", string status = "phase: Running") =>
        $"{{kind: Pod, metadata: {{name: {name}, namespace: shop, labels: {{app: api}}, {metadata}}}, spec: {{nodeName: a}}, status: {{podIP: {ip}, {status}}}}}";

    private static string Service(string spec) =>
        $"{{kind: Service, metadata: {{name: api, namespace: shop}}, spec: {{clusterIP: 10.2.0.1, selector: {{app: api}}, {spec}{(spec.Contains("ports:") ? "" : ", ports: [{port: 80}]")}}}}}"
            .Replace(", ,", ",");

    private static string Slice(string endpoints, string ports = "{port: 8080}") =>
        $"{{kind: EndpointSlice, apiVersion: discovery.k8s.io/v1, metadata: {{name: one, namespace: shop, labels: {{kubernetes.io/service-name: api}}}}, endpoints: [{endpoints}], ports: [{ports}]}}";

    private static string Node(string name, string zone, string address) =>
        $"{{kind: Node, metadata: {{name: {name}, labels: {{topology.kubernetes.io/zone: {zone}}}}}, status: {{addresses: [{{type: InternalIP, address: {address}}}, {{type: Hostname, address: {name}}}, {{type: ExternalIP, address: 'fd00::1'}}]}}}}";

    private static ServiceResource ServiceOf(MeshModel model) => Assert.Single(model.Resources, r => r.Service is not null).Service;

    private static IEnumerable<EndpointResource> Endpoints(MeshModel model) =>
        model.Resources.Where(r => r.Endpoint is not null).OrderBy(r => r.Key, StringComparer.Ordinal).Select(r => r.Endpoint);

    private static MeshModel Build(params string[] documents)
    {
        var reader = new ObjectReader("x.yaml");
        foreach (var document in documents.Append("{kind: Namespace, metadata: {name: shop}}").SelectMany(text => YamlDocuments.Read(text)))
            reader.Read(document);
        return new ModelBuilder("cluster.local").Build(new SourceSnapshot([.. reader.Objects], [.. reader.UnknownKinds], [], IsStandalone: true));
    }
}
