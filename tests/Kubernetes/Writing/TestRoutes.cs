using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Ambient.Tests.Kubernetes.Cluster;
using Ambient.Tests.Kubernetes.Source;

namespace Ambient.Tests.Kubernetes.Writing;

/// <summary>HTTPRoutes of one namespace.</summary>
/// <param name="Folder">Where they are listed.</param>
internal sealed record TestRoutes(ApiServer Server, string Namespace, string Folder)
{
    private const string Group = "gateway.networking.k8s.io", Plural = "httproutes";

    /// <summary>Makes a namespace, and the kind where the cluster has none: one that it has is not ours to replace.</summary>
    internal static async Task<TestRoutes> CreateAsync(ApiServer server, bool isEnrolled)
    {
        if (!(await server.Http.GetAsync($"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{Plural}.{Group}")).IsSuccessStatusCode)
            await server.ApplyAsync(Objects.Definition(Group, "v1", Plural, "HTTPRoute", isNamespaced: true));
        Assert.True(await Eventually.TrueAsync(async () => (await server.Http.GetAsync($"/apis/{Group}/v1/{Plural}")).IsSuccessStatusCode), "not served");
        var ns = await server.CreateNamespaceAsync("routes");
        var routes = new TestRoutes(server, ns, $"/apis/{Group}/v1/namespaces/{ns}/{Plural}");
        if (isEnrolled)
            await routes.LabelAsync("true");
        return routes;
    }

    internal Task LabelAsync(string enroll) => Server.ApplyAsync($"{{ apiVersion: v1, kind: Namespace, metadata: {{ name: {Namespace}, labels: {{ ambient.mesh/enroll: '{enroll}' }} }} }}");

    /// <param name="parents">Items of spec.parentRefs, as YAML.</param>
    internal Task ApplyAsync(string name, string parents) =>
        Server.ApplyAsync($"{{ apiVersion: {Group}/v1, kind: HTTPRoute, metadata: {{ name: {name}, namespace: {Namespace} }}, spec: {{ parentRefs: [ {parents} ] }} }}");

    /// <summary>What some other controller writes.</summary>
    internal Task PatchStatusAsync(string name, string status) => Server.MergePatchAsync($"{Folder}/{name}/status", $$"""{ "status": {{status}} }""");

    internal async Task<JsonObject> ReadAsync(string name) => (await Server.Http.GetFromJsonAsync<JsonObject>($"{Folder}/{name}"))!;
}
