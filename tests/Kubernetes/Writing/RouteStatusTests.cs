using System.Text.Json.Nodes;
using Ambient.Controller.Kubernetes.Writing;
using Ambient.Controller.Sources;
using Ambient.Tests.Kubernetes.Cluster;
using Ambient.Tests.Kubernetes.Source;

namespace Ambient.Tests.Kubernetes.Writing;

/// <summary>What routes of the Gateway API that are attached to Services are told.</summary>
[Collection(nameof(WholeCluster))]
public sealed class RouteStatusTests(ApiServer server)
{
    private const string Ours = "ambient.mesh/controller";

    [Fact]
    public async Task A_route_of_a_Service_in_the_mesh_is_told_that_it_is_not_in_force_beside_what_others_say_of_it()
    {
        var routes = await TestRoutes.CreateAsync(server, isEnrolled: true);
        await routes.ApplyAsync("mesh", "{ group: '', kind: Service, name: api, port: 80 }, { name: gate }");
        // Another controller's entry, of the route's Gateway.
        await routes.PatchStatusAsync("mesh", """{ "parents": [ { "parentRef": { "name": "gate" }, "controllerName": "example.net/other", "conditions": [ { "type": "Accepted", "status": "True", "reason": "Accepted", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z" } ] } ] }""");
        await using var source = await FollowedSource.StartAsync(server.KubeconfigPath);
        await using var writing = Written.Start(server, source);

        Assert.True(await Eventually.TrueAsync(async () => await OursAsync(routes, "mesh") is not null), "nothing is said");
        var told = (await OursAsync(routes, "mesh"))!;
        Assert.Equal("""{"group":"","kind":"Service","name":"api","port":80}""", told["parentRef"]!.ToJsonString());
        Assert.Equal(("Accepted", "False", "UnsupportedValue"), Condition(told));
        Assert.Equal(["example.net/other", Ours], await ControllersAsync(routes, "mesh"));

        // Another term begins: it is looked at, and not written.
        var version = (string)(await routes.ReadAsync("mesh"))["metadata"]!["resourceVersion"]!;
        writing.EndTerm();
        writing.BeginTerm();
        await Task.Delay(WriteBack.RoundInterval * 2);
        Assert.Equal(version, (string)(await routes.ReadAsync("mesh"))["metadata"]!["resourceVersion"]!);

        writing.IsHidden = true;
        Assert.True(await Eventually.TrueAsync(async () => Condition((await OursAsync(routes, "mesh"))!).Reason == "ServiceAddressHidden"), "the hidden address is not told");
        Assert.Equal((string)told["conditions"]![0]!["lastTransitionTime"]!, (string)(await OursAsync(routes, "mesh"))!["conditions"]![0]!["lastTransitionTime"]!);

        await routes.LabelAsync("false");
        Assert.True(await Eventually.TrueAsync(async () => (await ControllersAsync(routes, "mesh")).SequenceEqual(["example.net/other"])), "our entry stays");
    }

    [Fact]
    public async Task A_route_of_a_Gateway_or_of_a_Service_that_is_not_in_the_mesh_is_not_written()
    {
        var (routes, outside) = (await TestRoutes.CreateAsync(server, isEnrolled: true), await TestRoutes.CreateAsync(server, isEnrolled: false));
        await routes.ApplyAsync("gateway", "{ name: api }, { kind: Service, name: api }");   // without its group it is no core Service
        await outside.ApplyAsync("service", "{ group: '', kind: Service, name: api }");
        await outside.ApplyAsync("across", $"{{ group: '', kind: Service, namespace: {routes.Namespace}, name: api }}");
        await using var source = await FollowedSource.StartAsync(server.KubeconfigPath);
        await using var writing = Written.Start(server, source);
        Assert.True(await Eventually.TrueAsync(async () => await OursAsync(outside, "across") is not null), "the route across namespaces is not told");
        await Task.Delay(WriteBack.RoundInterval * 2);
        Assert.Empty(await ControllersAsync(routes, "gateway"));
        Assert.Empty(await ControllersAsync(outside, "service"));
    }

    [Fact]
    public async Task Routes_are_followed_once_their_kind_is_installed()
    {
        await using var own = await ApiServer.StartFakeAsync();
        await using var source = await FollowedSource.StartAsync(own.KubeconfigPath);
        await own.ApplyAsync(Objects.Definition("gateway.networking.k8s.io", "v1alpha2", "tlsroutes", "TLSRoute", isNamespaced: true));
        var ns = await own.CreateNamespaceAsync("routes");
        await own.ApplyAsync($"{{ apiVersion: gateway.networking.k8s.io/v1alpha2, kind: TLSRoute, metadata: {{ name: r, namespace: {ns} }}, spec: {{ parentRefs: [ {{ group: '', kind: Service, name: api }} ] }} }}");
        await source.UntilAsync(s => s.All<RouteObject>().Any(route => route is { Kind: "TLSRoute", Version: "v1alpha2", Services.Length: 1 }), "the route");
    }

    private static async Task<List<JsonObject>> EntriesAsync(TestRoutes routes, string name) => [.. ((await routes.ReadAsync(name))["status"]?["parents"] as JsonArray ?? []).OfType<JsonObject>()];

    private static async Task<IEnumerable<string>> ControllersAsync(TestRoutes routes, string name) => (await EntriesAsync(routes, name)).Select(entry => (string)entry["controllerName"]!);

    private static async Task<JsonObject?> OursAsync(TestRoutes routes, string name) => (await EntriesAsync(routes, name)).SingleOrDefault(entry => (string)entry["controllerName"]! == Ours);

    private static (string Type, string Status, string Reason) Condition(JsonObject entry) =>
        entry["conditions"]!.AsArray().Single() is var told ? ((string)told!["type"]!, (string)told["status"]!, (string)told["reason"]!) : default;
}
