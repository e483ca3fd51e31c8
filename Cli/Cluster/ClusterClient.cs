using System.Net;
using System.Net.Http.Headers;
using System.Security.Authentication;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using k8s;
using k8s.Exceptions;

namespace Ambient.Cli.Cluster;

/// <summary>
/// A cluster's API as JSON by path. Configuration, authentication and transport are the client library's; objects are not, since what is
/// applied is what the manifest says, field for field.
/// </summary>
internal sealed class ClusterClient : IDisposable
{
    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(30);
    private const int LargestAnswerBytes = 256 * 1024 * 1024;

    // How large a list may be asked for at once.
    private const int PageSize = 500;

    private readonly k8s.Kubernetes _client;
    private readonly Dictionary<string, JsonObject> _kinds = [];

    private ClusterClient(KubernetesClientConfiguration configuration)
    {
        configuration.HttpClientTimeout = RequestTimeout;
        _client = new k8s.Kubernetes(configuration);
        _client.HttpClient.MaxResponseContentBufferSize = LargestAnswerBytes;
        Server = configuration.Host;
    }

    /// <summary>Its URL, for people.</summary>
    public string Server { get; }

    /// <summary>The server's clock at its last answer; null before one.</summary>
    public DateTimeOffset? ServerTime { get; private set; }

    /// <summary>Reads where the cluster is, and as whom: as kubectl does, KUBECONFIG and ~/.kube/config; inside a pod, its account.</summary>
    /// <param name="kubeconfig">A file to take instead; null for none.</param>
    /// <param name="context">One of its contexts; null for the current one.</param>
    /// <exception cref="ClusterException">There is no configuration that can be used.</exception>
    public static ClusterClient Open(string? kubeconfig, string? context)
    {
        try
        {
            return new ClusterClient(kubeconfig is null && context is null
                ? KubernetesClientConfiguration.BuildDefaultConfig()
                : KubernetesClientConfiguration.BuildConfigFromConfigFile(kubeconfig, context));
        }
        catch (Exception fault) when (fault is KubeConfigException or KubernetesClientException or IOException or YamlDotNet.Core.YamlException)
        {
            throw new ClusterException($"no cluster is known: {fault.Message}");
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();

    /// <exception cref="ClusterException">It is not there, or not to be had.</exception>
    public async Task<JsonObject> GetAsync(string path) => await SendAsync(HttpMethod.Get, path, null, null);

    /// <returns>Null if it is not there, or its kind is not.</returns>
    /// <exception cref="ClusterException">It is not to be had.</exception>
    public async Task<JsonObject?> FindAsync(string path)
    {
        try
        {
            return await GetAsync(path);
        }
        catch (ClusterException fault) when (fault.Status is HttpStatusCode.NotFound)
        {
            return null;
        }
    }

    /// <summary>Every object of a list, page by page.</summary>
    /// <param name="query">Selectors, like <c>labelSelector=a%3Db</c>; empty for none.</param>
    /// <returns>Empty too if the kind is not there.</returns>
    public async Task<IReadOnlyList<JsonObject>> ListAsync(string path, string query = "")
    {
        var items = new List<JsonObject>();
        string? next = null;
        do
        {
            var page = await FindAsync($"{path}?limit={PageSize}{(query.Length > 0 ? "&" + query : "")}{(next is null ? "" : $"&continue={Uri.EscapeDataString(next)}")}");
            items.AddRange((page?["items"]?.AsArray() ?? []).Select(item => item!.AsObject()));
            next = (string?)page?["metadata"]?["continue"];
        }
        while (!string.IsNullOrEmpty(next));
        return items;
    }

    /// <summary>Server-side apply under the field manager <c>ambientctl</c>.</summary>
    /// <param name="isForced">Takes over fields that somebody else has set otherwise.</param>
    /// <exception cref="ClusterException">Refused; Conflict where somebody else has set a field otherwise.</exception>
    public async Task<JsonObject> ApplyAsync(JsonObject item, bool isDryRun, bool isForced) => await SendAsync(HttpMethod.Patch,
        $"{await PathAsync(item)}?fieldManager=ambientctl&force={(isForced ? "true" : "false")}{(isDryRun ? "&dryRun=All" : "")}", item, "application/apply-patch+yaml");

    /// <summary>Changes fields of an object; null takes one away. RFC 7396.</summary>
    public async Task MergeAsync(string path, JsonObject change) => await SendAsync(HttpMethod.Patch, $"{path}?fieldManager=ambientctl", change, "application/merge-patch+json");

    /// <summary>Deletes an object and what it owns; it is no fault if it is not there.</summary>
    /// <returns>Whether it was there.</returns>
    public async Task<bool> DeleteAsync(string path)
    {
        try
        {
            await SendAsync(HttpMethod.Delete, $"{path}?propagationPolicy=Background", null, null);
            return true;
        }
        catch (ClusterException fault) when (fault.Status is HttpStatusCode.NotFound)
        {
            return false;
        }
    }

    /// <summary>Where an object is.</summary>
    /// <exception cref="ClusterException">The server does not know its kind.</exception>
    public async Task<string> PathAsync(JsonObject item)
    {
        var (version, kind) = ((string)item["apiVersion"]!, (string)item["kind"]!);
        var root = version.Contains('/', StringComparison.Ordinal) ? $"/apis/{version}" : $"/api/{version}";
        if (!_kinds.TryGetValue(root, out var known) && await FindAsync(root) is { } found) _kinds[root] = known = found;
        var resource = known?["resources"]!.AsArray().FirstOrDefault(r => (string)r!["kind"]! == kind && !((string)r["name"]!).Contains('/', StringComparison.Ordinal))
            ?? throw new ClusterException($"this cluster does not know {version} {kind}", HttpStatusCode.NotFound);
        var within = (bool)resource["namespaced"]! ? $"/namespaces/{(string?)item["metadata"]!["namespace"] ?? "default"}" : "";
        return $"{root}{within}/{resource["name"]}/{item["metadata"]!["name"]}";
    }

    private async Task<JsonObject> SendAsync(HttpMethod method, string path, JsonObject? body, string? type)
    {
        var what = $"{method} {path.Split('?')[0]}";
        try
        {
            using var request = new HttpRequestMessage(method, new Uri(_client.BaseUri, path));
            request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
            if (body is not null) request.Content = new StringContent(body.ToJsonString(), Encoding.UTF8, new MediaTypeHeaderValue(type!));
            if (_client.Credentials is { } credentials) await credentials.ProcessHttpRequestAsync(request, CancellationToken.None);
            using var answer = await _client.HttpClient.SendAsync(request);
            ServerTime = answer.Headers.Date ?? ServerTime;
            var text = await answer.Content.ReadAsStringAsync();
            return answer.IsSuccessStatusCode
                ? JsonNode.Parse(text) as JsonObject ?? throw new ClusterException($"{what}: the answer is no object")
                : throw new ClusterException($"{what}: {(int)answer.StatusCode} {MessageOf(text)}", answer.StatusCode);
        }
        catch (Exception fault) when (fault is HttpRequestException or TaskCanceledException or JsonException or AuthenticationException or KubernetesClientException)
        {
            throw new ClusterException($"{what} at {Server}: {(fault is TaskCanceledException ? $"no answer within {RequestTimeout.TotalSeconds} s" : fault.Message)}");
        }
    }

    // A Status object has a sentence for people; a proxy in between has whatever it has.
    private static string MessageOf(string text)
    {
        try
        {
            return (string?)JsonNode.Parse(text)?["message"] ?? text;
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            return text.Length > 200 ? text[..200] : text;
        }
    }
}
