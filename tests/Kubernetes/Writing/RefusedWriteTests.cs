using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Ambient.Controller.Kubernetes.Writing;
using Ambient.Tests.Kubernetes.Cluster;
using Ambient.Tests.Kubernetes.Source;

namespace Ambient.Tests.Kubernetes.Writing;

/// <summary>What the server refuses of one object (a quota, a webhook, a schema), and what of the others is told all the same.</summary>
public sealed class RefusedWriteTests
{
    [Theory]
    [InlineData(403, "Forbidden")]
    [InlineData(422, "Invalid")]
    [InlineData(500, "InternalError")]
    public async Task A_policy_whose_status_is_refused_keeps_no_other_from_its_own(int code, string reason)
    {
        await using var own = await ApiServer.StartFakeAsync();
        var ns = await own.CreateNamespaceAsync("refused");
        await own.ApplyAsync(Manifest.Definition("accesspolicies"));
        foreach (var name in (string[])["a", "b", "c"])
            await own.ApplyAsync($"{{ apiVersion: ambient.mesh/v1alpha1, kind: AccessPolicy, metadata: {{ name: {name}, namespace: {ns} }}, spec: {{ rules: [ {{ from: [ {{ namespaces: [ shop ] }} ] }} ] }} }}");
        var asked = RefuseFirst(own, "patch", "accesspolicies", code, reason);
        await using var source = await FollowedSource.StartAsync(own.KubeconfigPath);
        await using var writing = Written.Start(own, source);
        await OneOfThreeAsync(() => ToldAsync(own, $"/apis/ambient.mesh/v1alpha1/namespaces/{ns}/accesspolicies", "conditions"), asked);
    }

    [Theory]
    [InlineData(403, "Forbidden")]
    [InlineData(500, "InternalError")]
    public async Task A_route_whose_status_is_refused_keeps_no_other_from_its_own(int code, string reason)
    {
        await using var own = await ApiServer.StartFakeAsync();
        var routes = await WithRoutesAsync(own, "a", "b", "c");
        var asked = RefuseFirst(own, "patch", "httproutes", code, reason);
        await using var source = await FollowedSource.StartAsync(own.KubeconfigPath);
        await using var writing = Written.Start(own, source);
        await OneOfThreeAsync(() => ToldAsync(own, routes.Folder, "parents"), asked);
    }

    [Theory]
    [InlineData(403, "Forbidden")]
    [InlineData(500, "InternalError")]
    public async Task A_node_whose_taint_may_not_be_taken_keeps_no_other_tainted(int code, string reason)
    {
        await using var own = await ApiServer.StartFakeAsync();
        string[] nodes = ["a", "b", "c"];
        foreach (var node in nodes)
            await own.ApplyAsync($"{{ apiVersion: v1, kind: Node, metadata: {{ name: {node} }}, spec: {{ taints: [ {{ key: {TaintRemover.Taint}, effect: NoSchedule }} ] }}, status: {{ nodeInfo: {{ bootID: boot-{node} }} }} }}");
        var asked = RefuseFirst(own, "patch", "nodes", code, reason);
        await using var source = await FollowedSource.StartAsync(own.KubeconfigPath);
        await using var writing = Written.Start(own, source);
        writing.Healthy = nodes.ToDictionary(node => node, node => $"boot-{node}");
        await OneOfThreeAsync(FreeAsync, asked);
        // After a rest, of 10 s; checked at ten times that.
        Assert.True(await Eventually.TrueAsync(async () => await FreeAsync() == 3, TimeSpan.FromSeconds(100)), "the refused one stays tainted");

        async Task<int> FreeAsync() => (await own.Http.GetFromJsonAsync<JsonObject>("/api/v1/nodes"))!["items"]!.AsArray().Count(node => node!["spec"]?["taints"] is null);
    }

    [Fact]
    public async Task Routes_that_were_due_when_the_server_went_away_are_told_when_it_is_back()
    {
        await using var own = await ApiServer.StartFakeAsync();
        var routes = await WithRoutesAsync(own, "a", "b", "c");
        var asked = RefuseFirst(own, "patch", "httproutes", 503, "ServiceUnavailable");
        await using var source = await FollowedSource.StartAsync(own.KubeconfigPath);
        await using var writing = Written.Start(own, source);
        // It is left alone for 10 s; checked at ten times that.
        Assert.True(await Eventually.TrueAsync(async () => await ToldAsync(own, routes.Folder, "parents") == 3, TimeSpan.FromSeconds(100)), $"{await ToldAsync(own, routes.Folder, "parents")} of 3 routes are told");
        Assert.Equal(4, asked());
    }

    [Fact]
    public async Task An_entry_that_another_writer_takes_away_is_put_back_once_and_then_ever_more_seldom()
    {
        await using var own = await ApiServer.StartFakeAsync();
        var routes = await WithRoutesAsync(own, "a");
        await using var source = await FollowedSource.StartAsync(own.KubeconfigPath);
        await using var writing = Written.Start(own, source);
        for (var i = 0; i < 2; i++)
        {
            Assert.True(await Eventually.TrueAsync(async () => await ToldAsync(own, routes.Folder, "parents") == 1), $"not told, {i} times taken away");
            await routes.PatchStatusAsync("a", """{ "parents": [] }""");
        }
        // Five seconds of peace follow the first time that it was put back.
        await Task.Delay(WriteBack.RoundInterval * 2);
        Assert.Equal(0, await ToldAsync(own, routes.Folder, "parents"));
        Assert.True(await Eventually.TrueAsync(async () => await ToldAsync(own, routes.Folder, "parents") == 1), "not put back for good");
    }

    [Fact]
    public async Task A_status_of_an_odd_form_is_no_obstacle()
    {
        await using var own = await ApiServer.StartFakeAsync();
        var routes = await WithRoutesAsync(own, "odd", "plain");
        await routes.PatchStatusAsync("odd", """
            { "parents": [ { "parentRef": 5, "controllerName": "example.net/other", "conditions": 17 },
              { "controllerName": "ambient.mesh/controller", "parentRef": { "group": "", "kind": "Service", "name": "api" }, "conditions": { "a": 1 } } ] }
            """);
        await using var source = await FollowedSource.StartAsync(own.KubeconfigPath);
        await using var writing = Written.Start(own, source);
        foreach (var name in (string[])["odd", "plain"])
            Assert.True(await Eventually.TrueAsync(async () => (await routes.ReadAsync(name)).ToJsonString().Contains("UnsupportedValue")), (await routes.ReadAsync(name)).ToJsonString());
    }

    [Fact]
    public async Task A_namespace_that_takes_no_Events_keeps_no_other_from_its_own()
    {
        await using var own = await ApiServer.StartFakeAsync();
        var (full, free) = (await own.CreateNamespaceAsync("full"), await own.CreateNamespaceAsync("free"));
        var asked = RefuseFirst(own, "create", "events", 403, "Forbidden");
        await using var source = await FollowedSource.StartAsync(own.KubeconfigPath);
        await using var writing = Written.Start(own, source);
        writing.Troubles = [.. new[] { full, full, free, free }.Select((ns, i) => Trouble.OfPod(EventSubject.Pod(ns, $"web-{i}", $"uid-{i}"), "node-a", wasEnrolled: false, "no nft in this kernel"))];
        Assert.True(await Eventually.TrueAsync(async () => (await own.EventsAsync(free)).Count == 2), $"{(await own.EventsAsync(free)).Count} of 2 events");
        // The full one is asked again after a while, for one.
        Assert.Equal((3, 0), (asked(), (await own.EventsAsync(full)).Count));
    }

    // Answers the first such request by a status. Gives how many there were.
    private static Func<int> RefuseFirst(ApiServer own, string verb, string plural, int code, string reason)
    {
        var asked = 0;
        own.Fake!.Faults.Intercept = (v, p, _) => v == verb && p == plural && Interlocked.Increment(ref asked) == 1 ? (code, reason) : null;
        return () => Volatile.Read(ref asked);
    }

    // Two are told, and the one that was refused is left alone.
    private static async Task OneOfThreeAsync(Func<Task<int>> told, Func<int> asked)
    {
        Assert.True(await Eventually.TrueAsync(async () => await told() == 2), $"{await told()} are told, {asked()} asked");
        await Task.Delay(WriteBack.RoundInterval * 2);
        Assert.Equal((2, 3), (await told(), asked()));
    }

    private static async Task<TestRoutes> WithRoutesAsync(ApiServer own, params IEnumerable<string> names)
    {
        var routes = await TestRoutes.CreateAsync(own, isEnrolled: true);
        foreach (var name in names)
            await routes.ApplyAsync(name, "{ group: '', kind: Service, name: api }");
        return routes;
    }

    private static async Task<int> ToldAsync(ApiServer own, string path, string list) =>
        (await own.Http.GetFromJsonAsync<JsonObject>(path))!["items"]!.AsArray().Count(item => item!["status"]?[list] is JsonArray { Count: > 0 });
}
