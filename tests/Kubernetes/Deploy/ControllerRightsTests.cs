using System.Text.Json.Nodes;
using Ambient.Controller.Kubernetes;
using Ambient.Controller.Replicas;
using Ambient.Tests.Kubernetes.Cluster;
using Ambient.Tests.Kubernetes.Replicas;
using Ambient.Tests.Unit.Controller;
using k8s;

namespace Ambient.Tests.Kubernetes.Deploy;

/// <summary>The controller with the account of the manifest, and no other right.</summary>
public sealed class ControllerRightsTests(ApiServer server)
{
    // Only the Lease's holder writes, and on a starved machine one that lost it waits for 15 s before it is held again.
    private static readonly TimeSpan _leaseAndMore = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task With_the_rights_of_the_manifest_a_controller_serves_nodes_and_publishes_roots_and_nothing_is_forbidden()
    {
        await using var mesh = await MeshCluster.CreateAsync(server);
        await ControllerAccount.GrantAsync(server, mesh.Namespace);
        var asking = await server.CreateNamespaceAsync("asking", ("ambient.mesh/trust-bundle", "true"));
        var node = server.Name("node");
        await server.ApplyAsync($$"""{ apiVersion: v1, kind: Node, metadata: { name: {{node}} } }""");
        await using var line = server.OpenLine(await server.TokenAsync(mesh.Namespace, "ambient-controller"));
        await using var controller = await ControllerProcess.StartAsync(line.KubeconfigPath, mesh.Namespace);

        // Meshes of other tests on the same server answer who asks for roots too, and what is theirs is not ours to take away.
        k8s.Models.V1ConfigMap? roots = null;
        Assert.True(await Eventually.TrueAsync(async () =>
        {
            roots = await mesh.TryConfigMapAsync(asking);
            if (roots?.Metadata.Labels["ambient.mesh/trust-of"] is { } owner && owner != mesh.Namespace)
                await ClusterCall.OrNullAsync("remove", token => server.Admin.CoreV1.DeleteNamespacedConfigMapAsync("ambient-trust", asking, cancellationToken: token), default);
            return roots?.Metadata.Labels["ambient.mesh/trust-of"] == mesh.Namespace;
        }, _leaseAndMore), $"no roots of ours where they are asked for:\n{string.Join('\n', controller.Log)}");
        Assert.Contains("BEGIN CERTIFICATE", roots!.Data["roots.pem"], StringComparison.Ordinal);
        await using var connected = await TestNode.ConnectAsync(controller.EndPoint, await mesh.BundleFileAsync(), await mesh.TokenAsync(node), node, "boot-1", "", 0);
        Assert.True(await Eventually.TrueAsync(async () => await mesh.StatusOfAsync(node) is { Connected: true }), string.Join('\n', controller.Log));
        Assert.NotEmpty((await mesh.SecretAsync("ambient-ca")).Data);
        Assert.NotEmpty((await mesh.SecretAsync("ambient-orders")).Data);

        await server.Admin.CoreV1.PatchNamespaceAsync(new k8s.Models.V1Patch("""{"metadata": {"labels": {"ambient.mesh/trust-bundle": null}}}""", k8s.Models.V1Patch.PatchType.MergePatch), asking);
        Assert.True(await Eventually.TrueAsync(async () => await mesh.TryConfigMapAsync(asking) is null, _leaseAndMore), $"the roots stay where nobody asks for them any longer:\n{string.Join('\n', controller.Log)}");
        Assert.DoesNotContain(controller.Log, said => said.Contains("forbidden", StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public void Every_kind_that_is_followed_may_be_listed_and_watched()
    {
        var rules = ControllerAccount.Manifest("ClusterRole")["rules"]!.AsArray();
        bool May(string group, string plural, string verb) => rules.Any(r => Has(r!["apiGroups"], group) && Has(r["resources"], plural) && Has(r["verbs"], verb) && r["resourceNames"] is null);
        var followed = KindCatalog.Core.Concat(KindCatalog.Installable).Append(KindCatalog.Definitions);
        Assert.Empty(followed.Where(kind => !May(kind.Group, kind.Plural, "list") || !May(kind.Group, kind.Plural, "watch")).Select(kind => $"{kind.Plural}.{kind.Group}"));
    }

    private static bool Has(JsonNode? list, string text) => list!.AsArray().Any(item => (string?)item == text);
}
