using Ambient.Controller.Authority;
using Ambient.Tests.Kubernetes.Cluster;
using Xunit.Sdk;

namespace Ambient.Tests.Kubernetes.Replicas;

/// <summary>What a cluster's namespaces are told of the mesh's roots.</summary>
public sealed class TrustBundleTests(ApiServer server)
{
    [Fact]
    public async Task A_namespace_has_the_roots_for_as_long_as_its_label_asks_for_them()
    {
        await using var mesh = await MeshCluster.CreateAsync(server);
        var (asks, other) = (await server.CreateNamespaceAsync("asks"), await server.CreateNamespaceAsync("other"));
        mesh.Write("asks.yaml", NamespaceOf(asks, "true"));
        mesh.Write("other.yaml", NamespaceOf(other, "false"));
        await mesh.StartAsync();

        var own = await mesh.ConfigMapAsync(mesh.Namespace);
        Assert.Equal(["order-key.pem", "roots.pem"], own.Data.Keys.Order());
        var roots = (await mesh.ConfigMapAsync(asks)).Data;
        Assert.Equal(own.Data["roots.pem"], Assert.Single(roots).Value);
        Assert.Null(await mesh.TryConfigMapAsync(other));

        mesh.Write("asks.yaml", NamespaceOf(asks, "false"));
        Assert.True(await Eventually.TrueAsync(async () => await mesh.TryConfigMapAsync(asks) is null), "it stays after the label went");
        Assert.NotNull(await mesh.TryConfigMapAsync(mesh.Namespace));
    }

    [Fact]
    public async Task What_somebody_changed_or_removed_is_mended_and_what_is_not_ours_is_not_removed()
    {
        await using var mesh = await MeshCluster.CreateAsync(server);
        var (asks, other) = (await server.CreateNamespaceAsync("asks"), await server.CreateNamespaceAsync("other"));
        mesh.Write("asks.yaml", NamespaceOf(asks, "true"));
        await server.ApplyAsync($$"""{ apiVersion: v1, kind: ConfigMap, metadata: { name: ambient-trust, namespace: {{other}} }, data: { theirs: stays } }""");
        await mesh.StartAsync();
        var roots = (await mesh.ConfigMapAsync(asks)).Data["roots.pem"];

        await server.ApplyAsync($$"""{ apiVersion: v1, kind: ConfigMap, metadata: { name: ambient-trust, namespace: {{asks}} }, data: { roots.pem: mine, more: x } }""");
        await MendedAsync();
        await server.DeleteAsync("v1", "ConfigMap", asks, "ambient-trust");
        await MendedAsync();
        Assert.Equal("stays", (await mesh.TryConfigMapAsync(other))!.Data["theirs"]);

        async Task MendedAsync() => Assert.True(
            await Eventually.TrueAsync(async () => (await mesh.TryConfigMapAsync(asks))?.Data is { Count: 1 } data && data.TryGetValue("roots.pem", out var text) && text == roots), "not mended");
    }

    [Fact]
    public async Task A_users_own_ConfigMap_of_that_name_is_not_overwritten_and_an_event_says_so()
    {
        await using var mesh = await MeshCluster.CreateAsync(server);
        var asks = await server.CreateNamespaceAsync("asks");
        await server.ApplyAsync($$"""{ apiVersion: v1, kind: ConfigMap, metadata: { name: ambient-trust, namespace: {{asks}} }, data: { theirs: stays } }""");
        mesh.Write("asks.yaml", NamespaceOf(asks, "true"));
        await mesh.StartAsync();

        await mesh.LoggedAsync($"ConfigMap {asks}/ambient-trust was not made by the mesh");
        Assert.True(await Eventually.TrueAsync(async () => (await server.EventsAsync(asks)).Any(e => (string)e["reason"]! == "TrustBundleNotPublished")), "no event");
        Assert.Equal("theirs", Assert.Single((await mesh.TryConfigMapAsync(asks))!.Data.Keys));

        // It makes way: ours is made, and is ours even without its label.
        await server.DeleteAsync("v1", "ConfigMap", asks, "ambient-trust");
        Assert.True(await Eventually.TrueAsync(async () => await LabelAsync() is not null), "not made");
        await server.MergePatchAsync($"/api/v1/namespaces/{asks}/configmaps/ambient-trust", """{ "metadata": { "labels": null } }""");
        Assert.True(await Eventually.TrueAsync(async () => await LabelAsync() is not null), "not mended");
        Assert.Single(await server.EventsAsync(asks));

        async Task<string?> LabelAsync() => (await mesh.TryConfigMapAsync(asks))?.Metadata.Labels?["ambient.mesh/trust-of"];
    }

    [Fact]
    public async Task The_next_root_is_published_as_soon_as_it_is_there()
    {
        await using var mesh = await MeshCluster.CreateAsync(server);
        var asks = await server.CreateNamespaceAsync("asks");
        mesh.Write("asks.yaml", NamespaceOf(asks, "true"));
        await mesh.StartAsync();
        Assert.Equal(1, RootsIn(await mesh.ConfigMapAsync(asks)));

        await ClusterKeys.RotateAsync(() => server.Admin, mesh.Namespace, r => r.Add(), TimeProvider.System, default);
        Assert.True(await Eventually.TrueAsync(async () => RootsIn(await mesh.ConfigMapAsync(asks)) == 2), "the next root is not published");

        static int RootsIn(k8s.Models.V1ConfigMap map) => map.Data["roots.pem"].Split("BEGIN CERTIFICATE").Length - 1;
    }

    private static string NamespaceOf(string name, string asks) =>
        $$"""{ apiVersion: v1, kind: Namespace, metadata: { name: {{name}}, labels: { ambient.mesh/trust-bundle: "{{asks}}" } } }""";
}
