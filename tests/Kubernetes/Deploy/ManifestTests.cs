using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Ambient.Cli.Deploy;
using Ambient.Cli.Lab;
using Ambient.Tests.Kubernetes.Cluster;

namespace Ambient.Tests.Kubernetes.Deploy;

/// <summary>What an API server makes of daemonset.yaml, object by object. A fake would take anything.</summary>
public sealed class ManifestTests(ApiServer server)
{
    // maxSurge of DaemonSets, CEL rules, appArmorProfile: what the manifest says it needs.
    private const int LeastMinor = 30;

    [Fact]
    public async Task Every_object_of_the_manifest_passes_a_server_side_dry_run_with_strict_fields()
    {
        server.RequireReal("what a server makes of the manifest");
        server.RequireVersion(LeastMinor, "the manifest");
        await SystemNamespace.EnsureAsync(server);
        var faults = new List<string>();
        foreach (var item in Objects("daemonset.yaml"))
        {
            using var body = new StringContent(item.ToJsonString(), System.Text.Encoding.UTF8, new System.Net.Http.Headers.MediaTypeHeaderValue("application/apply-patch+yaml"));
            using var answer = await server.Http.PatchAsync($"{await PathAsync(item)}?fieldManager=dry-run&force=true&dryRun=All&fieldValidation=Strict", body);
            if (!answer.IsSuccessStatusCode) faults.Add($"{item["kind"]} {item["metadata"]!["name"]}: {await answer.Content.ReadAsStringAsync()}");
            else if (answer.Headers.TryGetValues("Warning", out var warnings)) faults.AddRange(warnings.Select(warning => $"{item["kind"]} {item["metadata"]!["name"]}: warning {warning}"));
        }
        Assert.Empty(faults);
    }

    [Fact]
    public async Task Pod_Security_admits_every_workload_and_warns_of_the_two_DaemonSets_and_of_nothing_else()
    {
        server.RequireReal("what Pod Security makes of the manifest");
        server.RequireVersion(LeastMinor, "the manifest");
        var labels = Objects("daemonset.yaml").First(o => (string?)o["kind"] == "Namespace")["metadata"]!["labels"]!.AsObject();
        var ns = await server.CreateNamespaceAsync("admitting", [.. labels.Select(label => (label.Key, (string)label.Value!))]);
        var warned = new List<string>();
        foreach (var item in Objects("daemonset.yaml").Where(o => (string?)o["kind"] is "Deployment" or "DaemonSet"))
        {
            item["metadata"]!["namespace"] = ns;
            var path = await PathAsync(item);
            using var answer = await server.Http.PostAsync($"{path[..path.LastIndexOf('/')]}?dryRun=All", JsonContent.Create(item));
            Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
            if (answer.Headers.TryGetValues("Warning", out var warnings) && warnings.Any(warning => warning.Contains("PodSecurity", StringComparison.Ordinal))) warned.Add((string)item["metadata"]!["name"]!);
        }
        Assert.Equal(["ambient-node", "ambient-redirector"], warned.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task What_an_older_server_knows_of_the_manifest_it_takes_too()
    {
        server.RequireReal("what a server makes of the manifest");
        await SystemNamespace.EnsureAsync(server);
        var (taken, unknown, faults) = (0, new List<string>(), new List<string>());
        foreach (var item in Objects("daemonset.yaml"))
        {
            string path;
            try
            {
                path = await PathAsync(item);
            }
            catch (InvalidOperationException)
            {
                unknown.Add((string)item["kind"]!);
                continue;
            }
            // By create, not by apply: fields that it does not know are dropped then. A name of its own, since the object may be there.
            var copy = item.DeepClone().AsObject();
            if ((string?)copy["kind"] != "CustomResourceDefinition") copy["metadata"]!["name"] = server.Name("dry");
            // Before 1.22 a DaemonSet's surge was no more than an idea.
            if (server.Version.StartsWith("v1.20.", StringComparison.Ordinal)) copy["spec"]?.AsObject().Remove("updateStrategy");
            using var answer = await server.Http.PostAsync($"{path[..path.LastIndexOf('/')]}?dryRun=All", JsonContent.Create(copy));
            if (answer.IsSuccessStatusCode || answer.StatusCode == System.Net.HttpStatusCode.Conflict) taken++;
            else faults.Add($"{item["kind"]} {item["metadata"]!["name"]}: {await answer.Content.ReadAsStringAsync()}");
        }
        TestContext.Current.TestOutputHelper?.WriteLine($"{server.Version}: {taken} taken, not served: {string.Join(", ", unknown)}");
        Assert.Empty(faults);
        // policy/v1 came with 1.21, admission policies with 1.30.
        Assert.All(unknown, kind => Assert.Contains(kind, (string[])["PodDisruptionBudget", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"]));
    }

    private async Task<string> PathAsync(JsonObject item)
    {
        var version = (string)item["apiVersion"]!;
        var root = version.Contains('/', StringComparison.Ordinal) ? $"/apis/{version}" : $"/api/{version}";
        using var answer = await server.Http.GetAsync(root);
        var list = answer.IsSuccessStatusCode ? await answer.Content.ReadFromJsonAsync<JsonObject>() : null;
        var resource = list?["resources"]!.AsArray().FirstOrDefault(r => (string)r!["kind"]! == (string)item["kind"]! && !((string)r["name"]!).Contains('/', StringComparison.Ordinal))
            ?? throw new InvalidOperationException($"{version} {item["kind"]} is not served");
        return (bool)resource["namespaced"]! ? $"{root}/namespaces/{item["metadata"]!["namespace"]}/{resource["name"]}/{item["metadata"]!["name"]}" : $"{root}/{resource["name"]}/{item["metadata"]!["name"]}";
    }

    internal static IEnumerable<JsonObject> Objects(string path) => YamlTree.Read(File.ReadAllText(Path.Combine(Programs.Checkout!, path))).Cast<JsonObject>();
}
