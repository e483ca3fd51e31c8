using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;

namespace Ambient.Tests.Kubernetes.Cluster;

/// <summary>Writes whole objects of any kind, as kubectl does, without a library in between.</summary>
internal sealed class ApiObjects(HttpClient http)
{
    internal const string Manager = "ambient-tests";
    // Another one, since a server before 1.22 takes what a manager says of the status for all that it says.
    private const string StatusManager = "ambient-tests-status";
    private static readonly TimeSpan ServedLimit = TimeSpan.FromSeconds(30);

    internal async Task<JsonObject> CreateAsync(string path, JsonObject content)
    {
        using var answer = await http.PostAsync($"{path}?fieldManager={Manager}", JsonContent.Create(content));
        return await ReadAsync(answer, $"POST {path}");
    }

    internal async Task<IReadOnlyList<JsonObject>> ApplyAsync(IReadOnlyList<JsonObject> objects, bool dryRun)
    {
        var applied = new List<JsonObject>();
        foreach (var item in objects)
        {
            var path = await PathAsync((string)item["apiVersion"]!, (string)item["kind"]!, (string?)item["metadata"]!["namespace"] ?? "default", (string)item["metadata"]!["name"]!);
            var status = item["status"]?.DeepClone();
            var main = item.DeepClone().AsObject();
            main.Remove("status");
            // An older server fails to apply a definition with words that it does not know (CEL), and drops them when it is put.
            var result = (string)item["kind"]! == "CustomResourceDefinition" && !dryRun ? await PutAsync(path, main) : await PatchAsync(path, main, Manager, dryRun);
            if (status is not null && !dryRun)
            {
                result = await PatchAsync($"{path}/status", new JsonObject
                {
                    ["apiVersion"] = item["apiVersion"]!.DeepClone(),
                    ["kind"] = item["kind"]!.DeepClone(),
                    ["metadata"] = new JsonObject { ["name"] = item["metadata"]!["name"]!.DeepClone() },
                    ["status"] = status,
                }, StatusManager, dryRun: false);
            }
            if ((string)item["kind"]! == "CustomResourceDefinition" && !dryRun)
                await WaitUntilServedAsync(item);
            applied.Add(result);
        }
        return applied;
    }

    internal async Task DeleteAsync(string apiVersion, string kind, string ns, string name)
    {
        var path = await PathAsync(apiVersion, kind, ns, name);
        using var answer = await http.DeleteAsync($"{path}?gracePeriodSeconds=0");
        if (answer.StatusCode != HttpStatusCode.NotFound)
            await ReadAsync(answer, $"DELETE {path}");
    }

    /// <summary>Where an object is.</summary>
    /// <exception cref="InvalidOperationException">Its kind is not served.</exception>
    internal async Task<string> PathAsync(string apiVersion, string kind, string ns, string name)
    {
        var root = apiVersion.Contains('/') ? $"/apis/{apiVersion}" : $"/api/{apiVersion}";
        using var answer = await http.GetAsync(root);
        var list = await ReadAsync(answer, $"GET {root}");
        var resource = list["resources"]!.AsArray().FirstOrDefault(r => (string)r!["kind"]! == kind && !((string)r["name"]!).Contains('/'))
            ?? throw new InvalidOperationException($"the server has no kind {kind} in {apiVersion}");
        return (bool)resource["namespaced"]! ? $"{root}/namespaces/{ns}/{resource["name"]}/{name}" : $"{root}/{resource["name"]}/{name}";
    }

    private async Task<JsonObject> PatchAsync(string path, JsonObject content, string manager, bool dryRun)
    {
        // The forced owner of what the test writes, whoever wrote it before.
        using var body = new StringContent(content.ToJsonString(), Encoding.UTF8, new MediaTypeHeaderValue("application/apply-patch+yaml"));
        using var answer = await http.PatchAsync($"{path}?fieldManager={manager}&force=true{(dryRun ? "&dryRun=All" : "")}", body);
        return await ReadAsync(answer, $"apply {path}");
    }

    private async Task<JsonObject> PutAsync(string path, JsonObject content)
    {
        using var made = await http.PostAsync($"{path[..path.LastIndexOf('/')]}?fieldManager={Manager}", JsonContent.Create(content));
        if (made.StatusCode != HttpStatusCode.Conflict)
            return await ReadAsync(made, $"POST {path}");
        // Tests beside each other install the same kinds: whoever comes second writes over the first.
        while (true)
        {
            using var now = await http.GetAsync(path);
            content["metadata"]!["resourceVersion"] = (await ReadAsync(now, $"GET {path}"))["metadata"]!["resourceVersion"]!.DeepClone();
            using var put = await http.PutAsync($"{path}?fieldManager={Manager}", JsonContent.Create(content));
            if (put.StatusCode != HttpStatusCode.Conflict)
                return await ReadAsync(put, $"PUT {path}");
        }
    }

    private async Task WaitUntilServedAsync(JsonObject definition)
    {
        var spec = definition["spec"]!;
        var watch = Stopwatch.StartNew();
        foreach (var version in spec["versions"]!.AsArray().Where(v => (bool)v!["served"]!))
        {
            var path = $"/apis/{spec["group"]}/{version!["name"]}/{spec["names"]!["plural"]}?limit=1";
            while (true)
            {
                using var answer = await http.GetAsync(path);
                if (answer.IsSuccessStatusCode)
                    break;
                if (watch.Elapsed > ServedLimit)
                    throw new InvalidOperationException($"{path} is not served {ServedLimit.TotalSeconds} s after its definition: {(int)answer.StatusCode}");
                await Task.Delay(50);
            }
        }
    }

    private static async Task<JsonObject> ReadAsync(HttpResponseMessage answer, string what)
    {
        var text = await answer.Content.ReadAsStringAsync();
        return answer.IsSuccessStatusCode
            ? JsonNode.Parse(text)!.AsObject()
            : throw new ApiRefusedException((int)answer.StatusCode, $"{what}: {(int)answer.StatusCode} {text}");
    }
}
