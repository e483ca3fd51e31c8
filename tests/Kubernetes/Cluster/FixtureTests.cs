using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using k8s;
using k8s.Models;

namespace Ambient.Tests.Kubernetes.Cluster;

/// <summary>What every test may rely on, of the fake as of a real server.</summary>
public sealed class FixtureTests(ApiServer server)
{
    private const string Widgets = """
        apiVersion: apiextensions.k8s.io/v1
        kind: CustomResourceDefinition
        metadata: { name: widgets.GROUP }
        spec:
          group: GROUP
          scope: Namespaced
          names: { plural: widgets, singular: widget, kind: Widget, listKind: WidgetList }
          versions:
            - name: v1
              served: true
              storage: true
              subresources: { status: {} }
              schema: { openAPIV3Schema: { type: object, x-kubernetes-preserve-unknown-fields: true } }
        """;

    [Fact]
    public async Task An_applied_pod_has_the_address_that_its_status_says()
    {
        var ns = await server.CreateNamespaceAsync("fixture");
        await server.ApplyAsync(Pod(ns, "web"));

        var pod = await server.Admin.CoreV1.ReadNamespacedPodAsync("web", ns);
        Assert.Equal("10.1.0.7", pod.Status.PodIP);
        Assert.Equal("node-a", pod.Spec.NodeName);
    }

    [Fact]
    public async Task A_change_of_an_older_version_is_a_conflict()
    {
        var ns = await server.CreateNamespaceAsync("fixture");
        var made = await server.Admin.CoreV1.CreateNamespacedConfigMapAsync(new V1ConfigMap { Metadata = new V1ObjectMeta { Name = "one" }, Data = new Dictionary<string, string> { ["a"] = "1" } }, ns);
        made.Data["a"] = "2";
        await server.Admin.CoreV1.ReplaceNamespacedConfigMapAsync(made, "one", ns);

        var refused = await Assert.ThrowsAsync<k8s.Autorest.HttpOperationException>(() => server.Admin.CoreV1.ReplaceNamespacedConfigMapAsync(made, "one", ns));
        Assert.Equal(HttpStatusCode.Conflict, refused.Response.StatusCode);
    }

    [Fact]
    public async Task Pages_of_a_list_are_of_one_revision()
    {
        var ns = await server.CreateNamespaceAsync("fixture");
        for (var i = 0; i < 5; i++)
            await server.Admin.CoreV1.CreateNamespacedConfigMapAsync(new V1ConfigMap { Metadata = new V1ObjectMeta { Name = $"map-{i}" } }, ns);

        var first = await server.Admin.CoreV1.ListNamespacedConfigMapAsync(ns, limit: 2);
        await server.Admin.CoreV1.DeleteNamespacedConfigMapAsync("map-3", ns);
        var second = await server.Admin.CoreV1.ListNamespacedConfigMapAsync(ns, limit: 2, continueParameter: first.Metadata.ContinueProperty);

        Assert.Equal(["map-0", "map-1", "map-2", "map-3"], first.Items.Concat(second.Items).Select(i => i.Metadata.Name));
        Assert.Equal(first.Metadata.ResourceVersion, second.Metadata.ResourceVersion);
    }

    [Fact]
    public async Task A_watch_tells_what_happened_after_its_revision()
    {
        var ns = await server.CreateNamespaceAsync("fixture");
        var list = await server.Http.GetFromJsonAsync<JsonObject>($"/api/v1/namespaces/{ns}/pods");
        await server.ApplyAsync(Pod(ns, "web"));
        await server.DeleteAsync("v1", "Pod", ns, "web");

        var path = $"/api/v1/namespaces/{ns}/pods?watch=true&timeoutSeconds=2&resourceVersion={list!["metadata"]!["resourceVersion"]}";
        var events = (await server.Http.GetStringAsync(path)).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => (string)JsonNode.Parse(line)!["type"]!).ToList();
        Assert.Equal("ADDED", events[0]);
        Assert.Contains("MODIFIED", events);
        Assert.Equal("DELETED", events[^1]);
    }

    [Fact]
    public async Task A_token_for_an_audience_passes_its_review_and_no_others()
    {
        var ns = await server.CreateNamespaceAsync("fixture");
        await server.ApplyAsync($"{{ apiVersion: v1, kind: ServiceAccount, metadata: {{ name: node, namespace: {ns} }} }}\n---\n{Pod(ns, "agent", "node")}");
        var token = await server.TokenAsync(ns, "node", "ambient.mesh/controller", pod: "agent");

        var good = await ReviewAsync(token, "ambient.mesh/controller");
        Assert.True(good.Authenticated, good.Error);
        Assert.Equal($"system:serviceaccount:{ns}:node", good.User.Username);
        Assert.Equal("agent", good.User.Extra["authentication.kubernetes.io/pod-name"].Single());
        Assert.NotEqual(true, (await ReviewAsync(token, "somebody-else")).Authenticated);
        Assert.NotEqual(true, (await ReviewAsync(token + "x", "ambient.mesh/controller")).Authenticated);
        await server.DeleteAsync("v1", "Pod", ns, "agent");
        Assert.True(await Eventually.TrueAsync(async () => (await ReviewAsync(token, "ambient.mesh/controller")).Authenticated != true), "the token outlives its pod");

        async Task<V1TokenReviewStatus> ReviewAsync(string text, string audience) =>
            (await server.Admin.AuthenticationV1.CreateTokenReviewAsync(new V1TokenReview { Spec = new V1TokenReviewSpec { Token = text, Audiences = [audience] } })).Status;
    }

    [Fact]
    public async Task A_service_account_may_do_what_a_role_gives_it()
    {
        var ns = await server.CreateNamespaceAsync("fixture");
        await server.ApplyAsync($$"""
            { apiVersion: v1, kind: ServiceAccount, metadata: { name: reader, namespace: {{ns}} } }
            ---
            { apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: { name: reader, namespace: {{ns}} }, rules: [ { apiGroups: [""], resources: [pods], verbs: [list] } ] }
            ---
            apiVersion: rbac.authorization.k8s.io/v1
            kind: RoleBinding
            metadata: { name: reader, namespace: {{ns}} }
            subjects: [ { kind: ServiceAccount, name: reader, namespace: {{ns}} } ]
            roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader }
            """);
        await using var line = server.OpenLine(await server.TokenAsync(ns, "reader"));
        using var client = new k8s.Kubernetes(KubernetesClientConfiguration.BuildConfigFromConfigFile(line.KubeconfigPath));

        Assert.True(await Eventually.TrueAsync(async () =>
        {
            try
            {
                await client.CoreV1.ListNamespacedPodAsync(ns);
                return true;
            }
            catch (k8s.Autorest.HttpOperationException e) when (e.Response.StatusCode == HttpStatusCode.Forbidden)
            {
                return false;
            }
        }), "the role never counts");
        var refused = await Assert.ThrowsAsync<k8s.Autorest.HttpOperationException>(() => client.CoreV1.ListNamespacedSecretAsync(ns));
        Assert.Equal(HttpStatusCode.Forbidden, refused.Response.StatusCode);
    }

    [Fact]
    public async Task A_kind_is_served_once_its_definition_is_there()
    {
        var (ns, group) = (await server.CreateNamespaceAsync("fixture"), $"{server.Name("x")}.example.com");
        await server.ApplyAsync(Widgets.Replace("GROUP", group));
        await server.ApplyAsync($"{{ apiVersion: {group}/v1, kind: Widget, metadata: {{ name: one, namespace: {ns} }}, spec: {{ size: 3 }} }}");

        var widget = await server.Http.GetFromJsonAsync<JsonObject>($"/apis/{group}/v1/namespaces/{ns}/widgets/one");
        Assert.Equal(3, (int)widget!["spec"]!["size"]!);
        await server.DeleteAsync("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", $"widgets.{group}");
    }

    [Fact]
    public async Task Two_managers_who_apply_keep_their_own_conditions_and_conflict_over_one()
    {
        var (ns, group) = (await server.CreateNamespaceAsync("fixture"), $"{server.Name("x")}.example.com");
        await server.ApplyAsync(Widgets.Replace("GROUP", group).Replace("type: object, x-", """
            type: object, properties: { status: { type: object, properties: { conditions: { type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [type],
                      items: { type: object, required: [type], properties: { type: { type: string }, status: { type: string } } } } } } }, x-
            """));
        await server.ApplyAsync($"{{ apiVersion: {group}/v1, kind: Widget, metadata: {{ name: one, namespace: {ns} }}, spec: {{}} }}");
        var path = $"/apis/{group}/v1/namespaces/{ns}/widgets/one/status";

        Assert.Equal(HttpStatusCode.OK, await ApplyAsync("first", "Ready", "True"));
        Assert.Equal(HttpStatusCode.OK, await ApplyAsync("second", "Green", "True"));
        Assert.Equal(HttpStatusCode.Conflict, await ApplyAsync("second", "Ready", "False"));
        var conditions = (await server.Http.GetFromJsonAsync<JsonObject>(path))!["status"]!["conditions"]!.AsArray();
        Assert.Equal(["Green=True", "Ready=True"], conditions.Select(c => $"{c!["type"]}={c["status"]}").Order());

        // The one who says it no longer takes it away.
        Assert.Equal(HttpStatusCode.OK, await ApplyAsync("first", "Blue", "True"));
        conditions = (await server.Http.GetFromJsonAsync<JsonObject>(path))!["status"]!["conditions"]!.AsArray();
        Assert.Equal(["Blue=True", "Green=True"], conditions.Select(c => $"{c!["type"]}={c["status"]}").Order());

        async Task<HttpStatusCode> ApplyAsync(string manager, string condition, string status)
        {
            using var body = new StringContent($$"""{ "apiVersion": "{{group}}/v1", "kind": "Widget", "metadata": { "name": "one" }, "status": { "conditions": [ { "type": "{{condition}}", "status": "{{status}}" } ] } }""",
                Encoding.UTF8, new MediaTypeHeaderValue("application/apply-patch+yaml"));
            return (await server.Http.PatchAsync($"{path}?fieldManager={manager}", body)).StatusCode;
        }
    }

    [Fact]
    public async Task A_cut_line_refuses_and_a_restored_one_leads_on()
    {
        await using var line = server.OpenLine();
        using var client = new k8s.Kubernetes(KubernetesClientConfiguration.BuildConfigFromConfigFile(line.KubeconfigPath));
        Assert.NotEmpty((await client.CoreV1.ListNamespaceAsync()).Items);

        line.Cut();
        await Assert.ThrowsAsync<HttpRequestException>(() => client.CoreV1.ListNamespaceAsync());
        line.Restore();
        Assert.NotEmpty((await client.CoreV1.ListNamespaceAsync()).Items);
    }

    [Fact]
    public async Task A_watch_from_before_a_compaction_gets_410()
    {
        // Of its own: a compaction of the shared server would be felt by the other tests.
        var own = server.IsReal ? server : await ApiServer.StartFakeAsync();
        try
        {
            var ns = await own.CreateNamespaceAsync("fixture");
            await own.ApplyAsync($"{{ apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {{ name: one, namespace: {ns} }}, spec: {{ podSelector: {{}} }} }}");
            var version = (await own.Http.GetFromJsonAsync<JsonObject>("/apis/networking.k8s.io/v1/networkpolicies"))!["metadata"]!["resourceVersion"];
            foreach (var name in (string[])["two", "three"])
                await own.ApplyAsync($"{{ apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {{ name: {name}, namespace: {ns} }}, spec: {{ podSelector: {{}} }} }}");
            await own.CompactAsync();

            using var answer = await own.Http.GetAsync($"/apis/networking.k8s.io/v1/networkpolicies?watch=true&timeoutSeconds=1&resourceVersion={version}");
            Assert.Contains("410", await answer.Content.ReadAsStringAsync());
        }
        finally
        {
            if (!own.IsReal)
                await own.DisposeAsync();
        }
    }

    private static string Pod(string ns, string name, string account = "default") => $$"""
        apiVersion: v1
        kind: Pod
        metadata: { name: {{name}}, namespace: {{ns}}, labels: { app: {{name}} } }
        spec: { nodeName: node-a, serviceAccountName: {{account}}, containers: [ { name: app, image: none } ] }
        status: { phase: Running, podIP: 10.1.0.7, podIPs: [ { ip: 10.1.0.7 } ] }
        """;
}
