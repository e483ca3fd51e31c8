using System.Net;
using System.Net.Sockets;
using Ambient.Cli.Lab;
using Ambient.Tests.Mesh.Rig;

namespace Ambient.Tests.Mesh.Traffic;

/// <summary>Which endpoint a client gets, where its service has a wish.</summary>
public sealed class ChoiceTests(ShopMesh mesh) : ShopMeshTest(mesh)
{
    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public async Task With_client_affinity_a_pod_stays_with_its_endpoint_while_others_come_and_go(AddressFamily family)
    {
        var lab = await MeshAsync();
        var servers = Listen(lab, "cache-12", "api-21", "api-22");
        var service = Own(await OwnService.MakeAsync(lab, OwnService.AddressesOf(lab, [.. servers.Keys]), "sessionAffinity: ClientIP"));
        var first = await AskAsync(servers, "p11", service.Of(family));
        for (var i = 0; i < 10; i++) Assert.Equal(first, await AskAsync(servers, "p11", service.Of(family)));

        await service.ChangeAsync(OwnService.AddressesOf(lab, [.. servers.Keys.Where(pod => pod == first || pod == "api-22")]), "sessionAffinity: ClientIP");
        for (var i = 0; i < 10; i++) Assert.Equal(first, await AskAsync(servers, "p11", service.Of(family)));

        var others = servers.Keys.Where(pod => pod != first).ToArray();
        await service.ChangeAsync([.. OwnService.AddressesOf(lab, others), .. OwnService.AddressesOf(lab, "jobs-23")], "sessionAffinity: ClientIP");
        servers = new(servers) { ["jobs-23"] = Own(PodSocket.Listen("p23")) };
        var second = await AskAsync(servers, "p11", service.Of(family));
        Assert.NotEqual(first, second);
        for (var i = 0; i < 10; i++) Assert.Equal(second, await AskAsync(servers, "p11", service.Of(family)));
    }

    [Theory]
    [InlineData("trafficDistribution: PreferSameNode")]
    [InlineData("trafficDistribution: PreferClose")]   // each node of the lab is a zone
    public async Task Clients_are_sent_to_near_endpoints_while_these_answer_and_to_others_then(string wish)
    {
        var lab = await MeshAsync();
        var servers = Listen(lab, "cache-12", "api-21", "api-22");
        var service = Own(await OwnService.MakeAsync(lab, OwnService.AddressesOf(lab, [.. servers.Keys]), wish));
        // A test before may have met it without a listener: then it is avoided for a second.
        await lab.UntilAsync("cache-12 is used", TimeSpan.FromSeconds(10), async () =>
            (await UsedAsync(servers, "p11", service.V4, 8)).SequenceEqual(["cache-12"]) && (await UsedAsync(servers, "p11", service.V6, 8)).SequenceEqual(["cache-12"]) ? null : "not yet");
        Assert.Equal(["api-21", "api-22"], await UsedAsync(servers, "p23", service.V4, 30));

        servers["cache-12"].Dispose();
        servers.Remove("cache-12");
        Assert.Equal(["api-21", "api-22"], await UsedAsync(servers, "p11", service.V4, 30));
    }

    [Fact]
    public async Task Where_the_service_is_for_the_node_only_nobody_else_serves()
    {
        var lab = await MeshAsync();
        var servers = Listen(lab, "cache-12", "api-21");
        var service = Own(await OwnService.MakeAsync(lab, OwnService.AddressesOf(lab, [.. servers.Keys]), "internalTrafficPolicy: Local"));
        Assert.Equal(["cache-12"], await UsedAsync(servers, "p11", service.V4, 8));
        Assert.Equal(["api-21"], await UsedAsync(servers, "p23", service.V6, 8));

        await service.ChangeAsync(OwnService.AddressesOf(lab, "api-21", "api-22", "cache-12").Where(a => !a.Equals(lab.Plan.Pod("cache-12").V4)), "internalTrafficPolicy: Local");
        Assert.Equal(["cache-12"], await UsedAsync(servers, "p11", service.V4, 4));   // by its IPv6 address
        await service.ChangeAsync(OwnService.AddressesOf(lab, "api-21"), "internalTrafficPolicy: Local");
        var before = (await lab.MetricsAsync()).Refusals("no_healthy_endpoint");
        await Assert.ThrowsAsync<SocketException>(async () =>
        {
            using var refused = await PodSocket.ConnectAsync("p11", service.V4, 80);
            await refused.ReceiveExactlyAsync(1);
        });
        Assert.Equal(before + 1, (await lab.MetricsAsync()).Refusals("no_healthy_endpoint"));
    }

    private Dictionary<string, Socket> Listen(Lab lab, params string[] pods) => pods.ToDictionary(pod => pod, pod => Own(PodSocket.Listen(lab.Plan.Pod(pod).Network)));

    private static async Task<IEnumerable<string>> UsedAsync(Dictionary<string, Socket> servers, string network, IPAddress address, int times)
    {
        var used = new SortedSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < times; i++) used.Add(await AskAsync(servers, network, address));
        return used;
    }

    // Connects, and says who has accepted.
    private static async Task<string> AskAsync(Dictionary<string, Socket> servers, string network, IPAddress address)
    {
        using var stop = new CancellationTokenSource(PodSocket.Patience);
        var accepting = servers.ToDictionary(server => server.Value.AcceptAsync(stop.Token).AsTask(), server => server.Key);
        using var client = await PodSocket.ConnectAsync(network, address, 80);
        var first = await Task.WhenAny(accepting.Keys);
        (await first).Dispose();
        await stop.CancelAsync();
        foreach (var other in accepting.Keys.Where(other => other != first)) await Assert.ThrowsAnyAsync<OperationCanceledException>(() => other);
        return accepting[first];
    }
}
