using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Ambient.Controller.Kubernetes.Writing;
using Ambient.Tests.Kubernetes.Cluster;
using Ambient.Tests.Kubernetes.Source;
using Ambient.Tests.Kubernetes.Writing;
using k8s;

namespace Ambient.Tests.Kubernetes.Deploy;

/// <summary>The admission policies of daemonset.yaml on a server that enforces it: what a controller that was taken over still could do.</summary>
public sealed class GuardTests(ApiServer server)
{
    // ValidatingAdmissionPolicy v1.
    private const int LeastMinor = 30;

    private const string Taints = $$"""[{"key": "other", "effect": "NoSchedule"}, {"key": "{{TaintRemover.Taint}}", "effect": "NoSchedule"}]""";

    [Fact]
    public async Task The_guarded_controller_takes_its_taint_away_and_can_change_nothing_else_of_a_node()
    {
        var account = await GuardedAsync();
        var node = server.Name("node");
        await server.ApplyAsync($$"""{ "apiVersion": "v1", "kind": "Node", "metadata": { "name": "{{node}}", "labels": { "a": "b" } }, "spec": { "taints": {{Taints}} } }""");
        await server.MergePatchAsync($"/api/v1/nodes/{node}/status", """{"status": {"nodeInfo": {"bootID": "boot-1"}}}""");
        Assert.All(await Task.WhenAll(new[]
        {
            """{"spec": {"taints": []}}""",
            """{"spec": {"taints": null}}""",
            $$$"""{"spec": {"taints": [{"key": "other", "effect": "NoSchedule"}, {"key": "{{{TaintRemover.Taint}}}", "effect": "NoExecute"}]}}""",
            """{"spec": {"taints": [{"key": "other", "effect": "NoExecute"}]}}""",
            """{"spec": {"unschedulable": true}}""",
            """{"spec": {"providerID": "cloud://other"}}""",
            """{"spec": {"podCIDR": "10.9.0.0/24", "podCIDRs": ["10.9.0.0/24"]}}""",
            """{"metadata": {"labels": {"node-role.kubernetes.io/control-plane": ""}}}""",
            """{"metadata": {"annotations": {"x": "y"}}}""",
            """{"metadata": {"finalizers": ["example.com/stay"]}}""",
            """{"metadata": {"ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "gone", "uid": "1"}]}}""",
        }.Select(async patch => $"{patch}: {(int)await PatchAsync(account, $"/api/v1/nodes/{node}", patch)}")), said => Assert.EndsWith(": 422", said, StringComparison.Ordinal));

        await using var line = server.OpenLine(await server.TokenAsync(account.Namespace, "ambient-controller"));
        await using var source = await FollowedSource.StartAsync(server.KubeconfigPath);
        await using var writing = Written.Start(line.KubeconfigPath, source);
        writing.Healthy = new Dictionary<string, string> { [node] = "boot-1" };
        Assert.True(await Eventually.TrueAsync(async () => !(await TaintsAsync(node)).Contains(TaintRemover.Taint, StringComparison.Ordinal)), "the taint stays");
        Assert.Contains("other", await TaintsAsync(node), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, await PatchAsync(null, $"/api/v1/nodes/{node}", """{"spec": {"unschedulable": true}}"""));
    }

    [Fact]
    public async Task The_guarded_controller_creates_the_objects_that_it_has_names_for_and_no_other()
    {
        var account = await GuardedAsync();
        var other = await server.CreateNamespaceAsync("trusting");
        Assert.Equal(HttpStatusCode.UnprocessableEntity, await CreateAsync(account, other, "ConfigMap", "aws-auth"));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, await CreateAsync(account, account.Namespace, "ConfigMap", "other"));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, await CreateAsync(account, account.Namespace, "Secret", "other"));
        Assert.Equal(HttpStatusCode.Forbidden, await CreateAsync(account, other, "Secret", "ambient-ca"));
        Assert.Equal(HttpStatusCode.Created, await CreateAsync(account, other, "ConfigMap", "ambient-trust"));
        Assert.Equal(HttpStatusCode.Created, await CreateAsync(account, account.Namespace, "Secret", "ambient-orders"));
        Assert.Equal(HttpStatusCode.Created, await CreateAsync(null, other, "ConfigMap", "aws-auth"));
    }

    private sealed record Account(string Namespace)
    {
        public string User => $"system:serviceaccount:{Namespace}:ambient-controller";
    }

    // The policies of the file for an account of the test's own, in force: a server takes some time for that.
    private async Task<Account> GuardedAsync()
    {
        server.RequireReal("what an admission policy refuses");
        server.RequireVersion(LeastMinor, "admission policies");
        var account = new Account(await server.CreateNamespaceAsync("guarded"));
        await ControllerAccount.GrantAsync(server, account.Namespace);
        var suffix = server.Name("of");
        var text = string.Join("\n---\n", ManifestTests.Objects("daemonset.yaml").Where(o => ((string)o["kind"]!).StartsWith("ValidatingAdmissionPolicy", StringComparison.Ordinal)).Select(o => o.ToJsonString()))
            .Replace("ambient-system:ambient-controller", $"{account.Namespace}:ambient-controller", StringComparison.Ordinal)
            .Replace("-guard\"", $"-guard-{suffix}\"", StringComparison.Ordinal);
        await server.ApplyAsync(text);
        var probe = server.Name("probe");
        await server.ApplyAsync($"{{ apiVersion: v1, kind: Node, metadata: {{ name: {probe} }} }}");
        Assert.True(await Eventually.TrueAsync(async () => await PatchAsync(account, $"/api/v1/nodes/{probe}?dryRun=All", """{"spec": {"unschedulable": true}}""") == HttpStatusCode.UnprocessableEntity), "the node guard is not in force");
        Assert.True(await Eventually.TrueAsync(async () => await CreateAsync(account, account.Namespace, "ConfigMap", "probe", "?dryRun=All") == HttpStatusCode.UnprocessableEntity), "the guard of what is created is not in force");
        return account;
    }

    private async Task<string> TaintsAsync(string node) => (await server.Admin.CoreV1.ReadNodeAsync(node)).Spec.Taints is { } taints ? string.Join(',', taints.Select(t => t.Key)) : "";

    private Task<HttpStatusCode> PatchAsync(Account? account, string path, string patch) => SendAsync(account, HttpMethod.Patch, path, "application/merge-patch+json", patch);

    private Task<HttpStatusCode> CreateAsync(Account? account, string ns, string kind, string name, string query = "") =>
        SendAsync(account, HttpMethod.Post, $"/api/v1/namespaces/{ns}/{kind.ToLowerInvariant()}s{query}", "application/json", new JsonObject { ["apiVersion"] = "v1", ["kind"] = kind, ["metadata"] = new JsonObject { ["name"] = name } }.ToJsonString());

    // As that account, by impersonation; as the administrator where it is null.
    private async Task<HttpStatusCode> SendAsync(Account? account, HttpMethod method, string path, string type, string content)
    {
        using var request = new HttpRequestMessage(method, path) { Content = new StringContent(content, Encoding.UTF8, type) };
        if (account is not null) request.Headers.Add("Impersonate-User", account.User);
        using var answer = await server.Http.SendAsync(request);
        return answer.StatusCode;
    }
}
