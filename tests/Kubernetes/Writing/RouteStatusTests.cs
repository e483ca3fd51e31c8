using System.Net.Http.Json;
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
        var ns = await InstalledAsync(isEnrolled: true);
        await ApplyAsync(ns, "mesh", "{ group: '', kind: Service, name: api, port: 80 }, { name: gate }");
        // Another controller's entry, of the route's Gateway.
        await PatchStatusAsync(ns, "mesh", """{ "parents": [ { "parentRef": { "name": "gate" }, "controllerName": "example.net/other", "conditions": [ { "type": "Accepted", "status": "True", "reason": "Accepted", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z" } ] } ] }""");
        await using var source = await FollowedSource.StartAsync(server.KubeconfigPath);
        await using var writing = Written.Start(server, source);

        Assert.True(await Eventually.TrueAsync(async () => await OursAsync(ns, "mesh") is not null), "nothing is said");
        var told = (await OursAsync(ns, "mesh"))!;
        Assert.Equal("""{"group":"","kind":"Service","name":"api","port":80}""", told["parentRef"]!.ToJsonString());
        Assert.Equal(("Accepted", "False", "UnsupportedValue"), Condition(told));
        Assert.Equal(["example.net/other", Ours], await ControllersAsync(ns, "mesh"));

        // Another term begins: it is looked at, and not written.
        var version = (string)(await RouteAsync(ns, "mesh"))["metadata"]!["resourceVersion"]!;
        writing.EndTerm();
        writing.BeginTerm();
        await Task.Delay(WriteBack.RoundInterval * 2);
        Assert.Equal(version, (string)(await RouteAsync(ns, "mesh"))["metadata"]!["resourceVersion"]!);

        writing.IsHidden = true;
        Assert.True(await Eventually.TrueAsync(async () => Condition((await OursAsync(ns, "mesh"))!).Reason == "ServiceAddressHidden"), "the hidden address is not told");
        Assert.Equal((string)told["conditions"]![0]!["lastTransitionTime"]!, (string)(await OursAsync(ns, "mesh"))!["conditions"]![0]!["lastTransitionTime"]!);

        await LabelAsync(ns, "false");
        Assert.True(await Eventually.TrueAsync(async () => (await ControllersAsync(ns, "mesh")).SequenceEqual(["example.net/other"])), "our entry stays");
    }

    [Fact]
    public async Task A_route_of_a_Gateway_or_of_a_Service_that_is_not_in_the_mesh_is_not_written()
    {
        var (ns, outside) = (await InstalledAsync(isEnrolled: true), await InstalledAsync(isEnrolled: false));
        await ApplyAsync(ns, "gateway", "{ name: api }, { kind: Service, name: api }");   // without its group it is no core Service
        await ApplyAsync(outside, "service", "{ group: '', kind: Service, name: api }");
        await ApplyAsync(outside, "across", $"{{ group: '', kind: Service, namespace: {ns}, name: api }}");
        await using var source = await FollowedSource.StartAsync(server.KubeconfigPath);
        await using var writing = Written.Start(server, source);
        Assert.True(await Eventually.TrueAsync(async () => await OursAsync(outside, "across") is not null), "the route across namespaces is not told");
        await Task.Delay(WriteBack.RoundInterval * 2);
        Assert.Empty(await ControllersAsync(ns, "gateway"));
        Assert.Empty(await ControllersAsync(outside, "service"));
    }

    [Fact]
    public async Task Routes_are_followed_once_their_kind_is_installed()
    {
        await using var own = await ApiServer.StartFakeAsync();
        await using var source = await FollowedSource.StartAsync(own.KubeconfigPath);
        await own.ApplyAsync(Objects.Definition("gateway.networking.k8s.io", "v1alpha2", "tlsroutes", "TLSRoute", isNamespaced: true));
        var ns = await own.CreateNamespaceAsync("routes");
        Assert.True(await Eventually.TrueAsync(async () => (await own.Http.GetAsync("/apis/gateway.networking.k8s.io/v1alpha2/tlsroutes")).IsSuccessStatusCode), "not served");
        await own.ApplyAsync($"{{ apiVersion: gateway.networking.k8s.io/v1alpha2, kind: TLSRoute, metadata: {{ name: r, namespace: {ns} }}, spec: {{ parentRefs: [ {{ group: '', kind: Service, name: api }} ] }} }}");
        await source.UntilAsync(s => s.All<RouteObject>().Any(route => route is { Kind: "TLSRoute", Version: "v1alpha2", Services.Length: 1 }), "the route");
    }

    private async Task<string> InstalledAsync(bool isEnrolled)
    {
        // Where the cluster has one, it is not ours to replace.
        if (!(await server.Http.GetAsync("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/httproutes.gateway.networking.k8s.io")).IsSuccessStatusCode)
            await server.ApplyAsync(Objects.Definition("gateway.networking.k8s.io", "v1", "httproutes", "HTTPRoute", isNamespaced: true));
        Assert.True(await Eventually.TrueAsync(async () => (await server.Http.GetAsync("/apis/gateway.networking.k8s.io/v1/httproutes")).IsSuccessStatusCode), "not served");
        var ns = await server.CreateNamespaceAsync("routes");
        if (isEnrolled)
            await LabelAsync(ns, "true");
        return ns;
    }

    private Task LabelAsync(string ns, string enroll) => server.ApplyAsync($"{{ apiVersion: v1, kind: Namespace, metadata: {{ name: {ns}, labels: {{ ambient.mesh/enroll: '{enroll}' }} }} }}");

    private Task ApplyAsync(string ns, string name, string parents) =>
        server.ApplyAsync($"{{ apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {{ name: {name}, namespace: {ns} }}, spec: {{ parentRefs: [ {parents} ] }} }}");

    private async Task PatchStatusAsync(string ns, string name, string status)
    {
        using var body = new StringContent($$"""{ "status": {{status}} }""", System.Text.Encoding.UTF8, "application/merge-patch+json");
        using var answer = await server.Http.PatchAsync($"/apis/gateway.networking.k8s.io/v1/namespaces/{ns}/httproutes/{name}/status", body);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
    }

    private async Task<JsonObject> RouteAsync(string ns, string name) => (await server.Http.GetFromJsonAsync<JsonObject>($"/apis/gateway.networking.k8s.io/v1/namespaces/{ns}/httproutes/{name}"))!;

    private async Task<List<JsonObject>> EntriesAsync(string ns, string name) => [.. ((await RouteAsync(ns, name))["status"]?["parents"] as JsonArray ?? []).OfType<JsonObject>()];

    private async Task<IEnumerable<string>> ControllersAsync(string ns, string name) => (await EntriesAsync(ns, name)).Select(entry => (string)entry["controllerName"]!);

    private async Task<JsonObject?> OursAsync(string ns, string name) => (await EntriesAsync(ns, name)).SingleOrDefault(entry => (string)entry["controllerName"]! == Ours);

    private static (string Type, string Status, string Reason) Condition(JsonObject entry) =>
        entry["conditions"]!.AsArray().Single() is var told ? ((string)told!["type"]!, (string)told["status"]!, (string)told["reason"]!) : default;
}
