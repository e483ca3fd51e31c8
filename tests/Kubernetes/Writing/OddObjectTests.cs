using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Ambient.Tests.Kubernetes.Cluster;
using Ambient.Tests.Kubernetes.Source;

namespace Ambient.Tests.Kubernetes.Writing;

/// <summary>Objects of a form that the API server takes and nobody expects: anybody who may write a policy may write one.</summary>
public sealed class OddObjectTests(ApiServer server)
{
    [Theory]
    [InlineData(100)]
    [InlineData(5_000)]
    public async Task A_policy_that_is_nested_too_deeply_says_so_and_keeps_no_other_from_its_status(int levels)
    {
        server.RequireReal("An object of such depth");
        // Of its own: a deep object is in the way of everybody who lists policies.
        await using var own = await ApiServer.StartOwnAsync();
        var ns = await own.CreateNamespaceAsync("deep");
        await own.ApplyAsync(Manifest.Definition("accesspolicies"));
        var folder = $"/apis/ambient.mesh/v1alpha1/namespaces/{ns}/accesspolicies";
        var deep = string.Concat(Enumerable.Repeat("{\"a\":", levels)) + "1" + new string('}', levels);
        using var content = new StringContent($$$"""{"apiVersion":"ambient.mesh/v1alpha1","kind":"AccessPolicy","metadata":{"name":"deep"},"spec":{"odd":{{{deep}}},"rules":[{}]} }""",
            Encoding.UTF8, "application/json");
        using var made = await own.Http.PostAsync(folder, content);
        Assert.True(made.IsSuccessStatusCode, await made.Content.ReadAsStringAsync());
        foreach (var name in (string[])["before", "later"])
            await own.ApplyAsync($"{{ apiVersion: ambient.mesh/v1alpha1, kind: AccessPolicy, metadata: {{ name: {name}, namespace: {ns} }}, spec: {{ rules: [ {{}} ] }} }}");

        await using var source = await FollowedSource.StartAsync(own.KubeconfigPath);
        await using var writing = Written.Start(own, source);
        foreach (var (name, told) in ((string, string)[])[("before", "in force"), ("later", "in force"), ("deep", "levels of nesting")])
            Assert.True(await Eventually.TrueAsync(async () => (await MessageAsync(name)).Contains(told)), $"{name}: {await MessageAsync(name)}");

        async Task<string> MessageAsync(string name)
        {
            var policy = JsonNode.Parse(await own.Http.GetByteArrayAsync($"{folder}/{name}"), null, new JsonDocumentOptions { MaxDepth = 20_000 });
            return (string?)policy!["status"]?["conditions"]?[0]?["message"] ?? "";
        }
    }

    [Theory]
    [InlineData("\U0001F600")]
    [InlineData("\\\\uD83D\\\\uDE00")]   // a backslash and letters, not an escape
    [InlineData("\u2028\u0085\uFEFF")]
    public async Task A_policy_with_an_odd_character_is_told_of_it(string text)
    {
        await using var own = await ApiServer.StartOwnAsync();
        var ns = await own.CreateNamespaceAsync("odd");
        await own.ApplyAsync(Manifest.Definition("accesspolicies"));
        var name = JsonSerializer.Deserialize<string>($"\"{text}\"")!;
        var path = $"/apis/ambient.mesh/v1alpha1/namespaces/{ns}/accesspolicies";
        using var content = new StringContent($$$"""{"apiVersion":"ambient.mesh/v1alpha1","kind":"AccessPolicy","metadata":{"name":"odd"},"spec":{"rules":[{}],"{{{text}}}":1} }""", Encoding.UTF8, "application/json");
        using var made = await own.Http.PostAsync(path, content);
        Assert.True(made.IsSuccessStatusCode, await made.Content.ReadAsStringAsync());

        await using var source = await FollowedSource.StartAsync(own.KubeconfigPath);
        await using var writing = Written.Start(own, source);
        Assert.True(await Eventually.TrueAsync(async () => (await MessageAsync()).Contains($"unknown field spec.{name}:")), await MessageAsync());

        async Task<string> MessageAsync() => (string?)JsonNode.Parse(await own.Http.GetByteArrayAsync($"{path}/odd"))!["status"]?["conditions"]?[0]?["message"] ?? "";
    }
}
