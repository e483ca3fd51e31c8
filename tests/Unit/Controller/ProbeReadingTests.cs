using Ambient.Controller.Sources;
using Ambient.Controller.Sources.Yaml;
using Ambient.Protocol.Model;

namespace Ambient.Tests.Unit.Controller;

/// <summary>What the controller makes of a pod's probes and of the setting for tunnels on the app's port.</summary>
public sealed class ProbeReadingTests
{
    [Fact]
    public void Probes_and_hooks_of_all_containers_are_read_and_exec_is_left_out()
    {
        Assert.Equal(
            [
                new Probe(8080, ProbeKind.Http, "GET", "/healthz?full=1"), new Probe(9090, ProbeKind.Tcp), new Probe(5000, ProbeKind.Grpc, Service: "orders"),
                new Probe(8443, ProbeKind.Https), new Probe(8080, ProbeKind.Http, "GET", "/drain"), new Probe(15, ProbeKind.Grpc), new Probe(99, ProbeKind.Tcp),
            ],
            Pod("""
                containers:
                - name: app
                  ports: [{name: web, containerPort: 8080}]
                  livenessProbe: {httpGet: {path: "/healthz?full=1", port: web}}
                  readinessProbe: {tcpSocket: {port: 9090}}
                  startupProbe: {grpc: {port: 5000, service: orders}}
                  lifecycle: {postStart: {httpGet: {path: /x, port: 8443, scheme: HTTPS}}, preStop: {httpGet: {path: drain, port: 8080}}}
                - name: second
                  ports: [{name: other, containerPort: 1}]
                  livenessProbe: {exec: {command: [ls]}}
                  readinessProbe: {httpGet: {path: /a, port: web}}
                  startupProbe: {grpc: {port: 15}}
                  lifecycle: {preStop: {sleep: {seconds: 1}}, postStart: {httpGet: {path: /a, port: 1, host: elsewhere}}}
                initContainers:
                - {name: sidecar, restartPolicy: Always, startupProbe: {tcpSocket: {port: 99}}}
                - {name: once, startupProbe: {tcpSocket: {port: 98}}}
                """).Probes);
    }

    [Theory]
    [InlineData("livenessProbe: {httpGet: {path: /, port: 0}}", "livenessProbe.httpGet.port")]
    [InlineData("livenessProbe: {tcpSocket: {port: 70000}}", "livenessProbe.tcpSocket.port")]
    [InlineData("livenessProbe: {grpc: {port: x}}", "livenessProbe.grpc.port")]
    public void A_port_out_of_range_is_a_fault_with_its_place(string probe, string place) =>
        Assert.Contains(place, Assert.Throws<YamlFaultException>(() => Pod($"containers:\n- {{name: a, {probe}}}")).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("", "/")]
    [InlineData("healthz", "/healthz")]
    [InlineData("/a b", "/a%20b")]
    [InlineData("/a%20b", "/a%20b")]
    [InlineData("/ä", "/%C3%A4")]
    [InlineData("/a?q=x y&z=1#part", "/a?q=x%20y&z=1")]
    [InlineData("/a?", "/a?")]
    [InlineData("//host/path", "/path")]
    public void The_path_is_what_kubelet_sends(string path, string sent) => Assert.Equal(sent, KubeletPath.Of(path));

    [Theory]
    [InlineData("tunnelPort: original", true)]
    [InlineData("tunnelPort: hbone", false)]
    [InlineData("mode: STRICT", null)]
    public void The_setting_for_tunnels_on_the_apps_port_is_read(string spec, bool? expected) =>
        Assert.Equal(expected, Read($"{{apiVersion: ambient.mesh/v1alpha1, kind: MeshConfig, spec: {{{spec}}}}}").OfType<MeshConfigObject>().Single().TunnelOnOriginalPort);

    [Fact]
    public void Another_word_for_it_is_a_fault() => Assert.Contains(
        "original or hbone", Assert.Throws<YamlFaultException>(() => Read("{apiVersion: ambient.mesh/v1alpha1, kind: MeshConfig, spec: {tunnelPort: both}}")).Message, StringComparison.Ordinal);

    private static PodObject Pod(string containers) => Read(
        $"apiVersion: v1\nkind: Pod\nmetadata: {{name: api, namespace: shop}}\nspec:\n  nodeName: a\n  {containers.Replace("\n", "\n  ")}\nstatus: {{podIP: 10.1.0.1}}\n")
        .OfType<PodObject>().Single();

    private static IReadOnlyCollection<SourceObject> Read(string yaml)
    {
        var reader = new ObjectReader("a.yaml");
        foreach (var document in YamlDocuments.Read(yaml)) reader.Read(document);
        return reader.Objects;
    }
}
