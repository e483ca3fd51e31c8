using System.Text.Json.Nodes;

namespace Ambient.Cli.Lab;

/// <summary>Asks the admin pages of a process: over a Unix socket (ambient-node) or over TCP (ambient-controller).</summary>
internal sealed class AdminClient : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly HttpClient _http;

    private AdminClient(HttpClient http) => _http = http;

    /// <summary>A process behind a Unix socket.</summary>
    public static AdminClient OverSocket(string path)
    {
        var handler = UnixSocket.HandlerOf(path);
        // Each question to whoever has the path now: a process that drains still answers on connections from before.
        handler.PooledConnectionLifetime = TimeSpan.Zero;
        return new(new HttpClient(handler) { BaseAddress = new Uri("http://node"), Timeout = Patience });
    }

    /// <summary>A process behind a URL.</summary>
    public static AdminClient Over(Uri address) => new(new HttpClient { BaseAddress = address, Timeout = Patience });

    /// <summary>Gets a page as text, with whatever status it has.</summary>
    /// <exception cref="HttpRequestException">Nobody answers.</exception>
    public async Task<(int Status, string Text)> GetAsync(string page)
    {
        using var answer = await _http.GetAsync(page);
        return ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }

    /// <summary>Gets a page of JSON.</summary>
    /// <exception cref="HttpRequestException">Nobody answers, or not with 200.</exception>
    public async Task<JsonNode> GetJsonAsync(string page) => JsonNode.Parse(await _http.GetStringAsync(page))!;

    /// <summary>Gets the metrics.</summary>
    /// <exception cref="HttpRequestException">Nobody answers, or not with 200.</exception>
    public async Task<MetricsPage> GetMetricsAsync() => MetricsPage.Parse(await _http.GetStringAsync("/metrics"));

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();
}
