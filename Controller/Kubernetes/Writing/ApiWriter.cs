using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Ambient.Controller.Kubernetes.Access;

namespace Ambient.Controller.Kubernetes.Writing;

/// <summary>Reads and writes single objects, small ones. What the server puts off for a moment is tried again after it.</summary>
internal sealed class ApiWriter(ApiConnection connection)
{
    private const int MaxBytes = 4 << 20;

    /// <inheritdoc cref="ApiConnection.SendAsync"/>
    internal Task<JsonObject> GetAsync(string path, CancellationToken cancellation) => SendAsync(HttpMethod.Get, path, () => null, cancellation);

    /// <inheritdoc cref="ApiConnection.SendAsync"/>
    internal Task<JsonObject> CreateAsync(string path, JsonObject content, CancellationToken cancellation) =>
        SendAsync(HttpMethod.Post, $"{path}?fieldManager={ApiConnection.FieldManager}", () => Body(content, "application/json"), cancellation);

    /// <summary>Server-side apply, without force: what another manager holds is a conflict (409).</summary>
    /// <inheritdoc cref="ApiConnection.SendAsync"/>
    internal Task<JsonObject> ApplyAsync(string path, JsonObject content, CancellationToken cancellation) =>
        SendAsync(HttpMethod.Patch, $"{path}?fieldManager={ApiConnection.FieldManager}", () => Body(content, "application/apply-patch+yaml"), cancellation);

    /// <summary>A JSON patch (RFC 6902).</summary>
    /// <inheritdoc cref="ApiConnection.SendAsync"/>
    internal Task<JsonObject> PatchAsync(string path, JsonArray steps, CancellationToken cancellation) =>
        SendAsync(HttpMethod.Patch, $"{path}?fieldManager={ApiConnection.FieldManager}", () => Body(steps, "application/json-patch+json"), cancellation);

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
            return JsonNode.Parse(await response.Content.ReadAsByteArrayAsync(limit.Token)) as JsonObject ?? throw new IOException($"{path}: expected an object");
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

    private static StringContent Body(JsonNode content, string mediaType) => new(content.ToJsonString(), Encoding.UTF8, new MediaTypeHeaderValue(mediaType));
}
