using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Ambient.Controller.Kubernetes.Access;
using Ambient.Controller.Kubernetes.Decoding;

namespace Ambient.Controller.Kubernetes.Writing;

/// <summary>Reads and writes single objects, small ones. What the server puts off for a moment is tried again after it.</summary>
internal sealed partial class ApiWriter(ApiConnection connection)
{
    private const int MaxBytes = 4 << 20;

    // Anybody's object may be as deep as the server takes it, and must not keep what is written after it from being written.
    private static readonly JsonDocumentOptions Options = new() { MaxDepth = JsonInput.MaxDepth };

    /// <inheritdoc cref="ApiConnection.SendAsync"/>
    internal Task<JsonObject> GetAsync(string path, CancellationToken cancellation) => SendAsync(HttpMethod.Get, path, () => null, cancellation);

    /// <inheritdoc cref="ApiConnection.SendAsync"/>
    internal Task<JsonObject> CreateAsync(string path, JsonObject content, CancellationToken cancellation) =>
        SendAsync(HttpMethod.Post, $"{path}?fieldManager={ApiConnection.FieldManager}", () => Body(content.ToJsonString(), "application/json"), cancellation);

    /// <summary>Server-side apply, without force: what another manager holds is a conflict (409).</summary>
    /// <inheritdoc cref="ApiConnection.SendAsync"/>
    internal Task<JsonObject> ApplyAsync(string path, JsonObject content, CancellationToken cancellation) =>
        SendAsync(HttpMethod.Patch, $"{path}?fieldManager={ApiConnection.FieldManager}", () => Body(AsYaml(content), "application/apply-patch+yaml"), cancellation);

    /// <summary>A JSON patch (RFC 6902).</summary>
    /// <inheritdoc cref="ApiConnection.SendAsync"/>
    internal Task<JsonObject> PatchAsync(string path, JsonArray steps, CancellationToken cancellation) =>
        SendAsync(HttpMethod.Patch, $"{path}?fieldManager={ApiConnection.FieldManager}", () => Body(steps.ToJsonString(), "application/json-patch+json"), cancellation);

    private async Task<JsonObject> SendAsync(HttpMethod method, string path, Func<HttpContent?> content, CancellationToken cancellation)
    {
        for (var made = 1; ; made++)
        {
            TimeSpan pause;
            try
            {
                return await SendOnceAsync(method, path, content(), cancellation);
            }
            catch (ApiRefusal e) when (AskedPause.Before(e.Status, e.RetryAfter, made) is { } asked)
            {
                pause = asked;
            }
            await Task.Delay(pause, cancellation);
        }
    }

    private async Task<JsonObject> SendOnceAsync(HttpMethod method, string path, HttpContent? content, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(ApiConnection.AnswerLimit);
        try
        {
            using var response = await connection.SendAsync(method, path, content, limit.Token);
            await response.Content.LoadIntoBufferAsync(MaxBytes, limit.Token);
            return JsonNode.Parse(await response.Content.ReadAsByteArrayAsync(limit.Token), null, Options) as JsonObject ?? throw new IOException($"{path}: expected an object");
        }
        catch (JsonException e)
        {
            throw new IOException($"{path}: {e.Message}", e);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new TimeoutException($"{path}: no whole answer in {ApiConnection.AnswerLimit.TotalSeconds} s");
        }
    }

    private static StringContent Body(string text, string mediaType) => new(text, Encoding.UTF8, new MediaTypeHeaderValue(mediaType));

    // JSON is YAML but for one thing: an escape of YAML is a whole character (YAML 1.2.2, section 5.7), while JSON, and every encoder of
    // .NET, escapes one beyond U+FFFF as two surrogates (RFC 8259, section 7). Such a one is written as it is.
    private static string AsYaml(JsonObject content) => SurrogatePair().Replace(content.ToJsonString(), match => match.Groups[1].Success
        ? new string([Unit(match.Groups[1]), Unit(match.Groups[2])])
        : match.Value);

    private static char Unit(Capture hex) => (char)ushort.Parse(hex.ValueSpan, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    // A backslash that is escaped itself begins no escape.
    [GeneratedRegex("""\\\\|\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})""")]
    private static partial Regex SurrogatePair();
}
