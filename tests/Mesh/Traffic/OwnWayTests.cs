using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Ambient.Cli.Lab;
using Ambient.Tests.Mesh.Rig;

namespace Ambient.Tests.Mesh.Traffic;

/// <summary>A pod that calls itself, pods called by their own address, the other family, and the world outside.</summary>
public sealed class OwnWayTests(ShopMesh mesh) : ShopMeshTest(mesh)
{
    [Theory]
    [InlineData("cache-12", "cache", AddressFamily.InterNetwork)]
    [InlineData("cache-12", "cache", AddressFamily.InterNetworkV6)]
    [InlineData("vault-13", "vault", AddressFamily.InterNetwork)]   // a NetworkPolicy selects it: it may call itself all the same
    [InlineData("vault-13", "vault", AddressFamily.InterNetworkV6)]
    public async Task A_pod_reaches_itself_by_its_service_and_by_its_own_address(string name, string service, AddressFamily family)
    {
        var lab = await MeshAsync();
        var pod = lab.Plan.Pod(name);
        var own = family == AddressFamily.InterNetwork ? pod.V4 : pod.V6;
        var listener = Own(PodSocket.Listen(pod.Network));
        var seen = await CarryAsync(listener, pod.Network, family == AddressFamily.InterNetwork ? lab.Plan.Service(service).V4 : lab.Plan.Service(service).V6, 80);
        Assert.Equal(own, seen);
        Assert.Equal(own, await CarryAsync(listener, pod.Network, own, Plans.AppPort));
        Assert.Equal(["direct in_memory"], (await lab.MetricsAsync()).Ways("source", pod.Workload, pod.Workload));
    }

    [Theory]
    [InlineData("cache-12", "direct in_memory", AddressFamily.InterNetwork)]
    [InlineData("cache-12", "direct in_memory", AddressFamily.InterNetworkV6)]
    [InlineData("jobs-23", "tunnel mutual_tls", AddressFamily.InterNetwork)]
    [InlineData("jobs-23", "tunnel mutual_tls", AddressFamily.InterNetworkV6)]
    public async Task A_pod_is_reached_by_its_own_address_as_clients_of_a_headless_service_do(string name, string way, AddressFamily family)
    {
        var lab = await MeshAsync();
        var pod = lab.Plan.Pod(name);
        lab.Mesh.PutFile("headless.yaml", $$"""
            apiVersion: v1
            kind: Service
            metadata: {name: headless, namespace: {{pod.Namespace}}}
            spec: {clusterIP: None, selector: {app: {{pod.Workload}}}, ports: [{name: tcp, port: 80, targetPort: 9}]}
            """);
        try
        {
            var listener = Own(PodSocket.Listen(pod.Network));
            var seen = await CarryAsync(listener, "p11", family == AddressFamily.InterNetwork ? pod.V4 : pod.V6, Plans.AppPort);
            Assert.Equal(family == AddressFamily.InterNetwork ? lab.Plan.Pod("web-11").V4 : lab.Plan.Pod("web-11").V6, seen);
            Assert.Contains(way, (await lab.MetricsAsync()).Ways("source", "web", pod.Workload));
        }
        finally
        {
            lab.Mesh.RemoveFile("headless.yaml");
        }
    }

    [Theory]
    [InlineData("cache-12", AddressFamily.InterNetwork)]
    [InlineData("cache-12", AddressFamily.InterNetworkV6)]
    [InlineData("jobs-23", AddressFamily.InterNetwork)]
    [InlineData("jobs-23", AddressFamily.InterNetworkV6)]
    public async Task A_service_whose_endpoints_have_the_other_family_only_is_reached_and_sees_the_pods_address_of_that(string name, AddressFamily asked)
    {
        var lab = await MeshAsync();
        var (client, server) = (lab.Plan.Pod("web-11"), lab.Plan.Pod(name));
        var isV4 = asked == AddressFamily.InterNetwork;
        var listener = Own(PodSocket.Listen(server.Network));
        var service = Own(await OwnService.MakeAsync(lab, [isV4 ? server.V6 : server.V4]));
        Assert.Equal(isV4 ? client.V6 : client.V4, await CarryAsync(listener, client.Network, service.Of(asked), 80));
    }

    [Theory]
    [InlineData("192.0.2.9")]
    [InlineData("fd00:99::9")]
    public async Task The_outside_is_reached_as_if_there_were_no_mesh(string address)
    {
        var lab = await MeshAsync();
        var listener = Own(PodSocket.Listen(Topology.Outside));
        var client = lab.Plan.Pod("cache-12");
        var seen = await CarryAsync(listener, client.Network, IPAddress.Parse(address), Plans.AppPort, bytes: 20_000_000);
        Assert.Equal(address.Contains(':') ? client.V6 : client.V4, seen);
        Assert.Contains("passthrough plaintext", (await lab.MetricsAsync()).Ways("source", "cache", "unknown"));
        await Assert.ThrowsAsync<SocketException>(async () =>
        {
            // Nobody listens there: the app's connect has succeeded, and is reset.
            using var refused = await PodSocket.ConnectAsync(client.Network, IPAddress.Parse(address), 9);
            await refused.ReceiveExactlyAsync(1);
        });
    }

    [Theory]
    [InlineData("10.244.1.1")]
    [InlineData("fd00:244:1::1")]
    public async Task A_nodes_own_address_inside_the_pods_range_is_known_and_reached(string address)
    {
        var lab = await MeshAsync();
        var listener = Own(PodSocket.Listen("n1", 7070));
        await CarryAsync(listener, "p12", IPAddress.Parse(address), 7070);
    }

    // Bytes go both ways, many at once, and both halves end cleanly.
    private static async Task<IPAddress> CarryAsync(Socket listener, string network, IPAddress address, int port, int bytes = 1_000_000)
    {
        var payload = RandomNumberGenerator.GetBytes(bytes);
        using var client = await PodSocket.ConnectAsync(network, address, port);
        using var server = await listener.AcceptSoonAsync();
        var (there, back) = (server.ReceiveToEndAsync(), client.ReceiveToEndAsync());
        await Task.WhenAll(SendAsync(client), SendAsync(server));
        Assert.Equal(SHA256.HashData(payload), SHA256.HashData(await there));
        Assert.Equal(SHA256.HashData(payload), SHA256.HashData(await back));
        return ((IPEndPoint)server.RemoteEndPoint!).Address is { IsIPv4MappedToIPv6: true } mapped ? mapped.MapToIPv4() : ((IPEndPoint)server.RemoteEndPoint!).Address;

        async Task SendAsync(Socket socket)
        {
            await socket.SendAllAsync(payload);
            socket.Shutdown(SocketShutdown.Send);
        }
    }
}
