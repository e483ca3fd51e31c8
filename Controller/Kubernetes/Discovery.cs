using System.Collections.Immutable;
using System.Net;
using System.Text.Json;
using Ambient.Controller.Kubernetes.Access;

namespace Ambient.Controller.Kubernetes;

/// <summary>Asks what the server has. Source: the Kubernetes API concepts, "API discovery".</summary>
internal static class Discovery
{
    private const int MaxAnswerBytes = 8 << 20;

    /// <summary>The versions in which a group is served; none if it is not there.</summary>
    /// <inheritdoc cref="ApiConnection.SendAsync"/>
    internal static async Task<ImmutableArray<string>> VersionsOfAsync(ApiConnection connection, string group, CancellationToken cancellation)
    {
        using var answer = await AskAsync(connection, $"/apis/{group}", cancellation);
        return answer is null ? [] : [.. Items(answer, "versions").Select(version => Text(version, "version"))];
    }

    /// <summary>The kinds of a group in one version, by their plurals; none if it is not there.</summary>
    /// <inheritdoc cref="ApiConnection.SendAsync"/>
    internal static async Task<ImmutableArray<string>> PluralsOfAsync(ApiConnection connection, string group, string version, CancellationToken cancellation)
    {
        using var answer = await AskAsync(connection, $"/apis/{group}/{version}", cancellation);
        return answer is null ? [] : [.. Items(answer, "resources").Select(resource => Text(resource, "name"))];
    }

    private static async Task<JsonDocument?> AskAsync(ApiConnection connection, string path, CancellationToken cancellation)
    {
        try
        {
            using var response = await connection.SendAsync(HttpMethod.Get, path, null, cancellation);
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            limit.CancelAfter(ApiConnection.AnswerLimit);
            await response.Content.LoadIntoBufferAsync(MaxAnswerBytes, limit.Token);
            return JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync(limit.Token));
        }
        catch (ApiRefusal e) when (e.Status == HttpStatusCode.NotFound)
        {
            return null;
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

    private static IEnumerable<JsonElement> Items(JsonDocument document, string name) =>
        document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty(name, out var items) && items.ValueKind == JsonValueKind.Array
            ? items.EnumerateArray().Where(item => item.ValueKind == JsonValueKind.Object)
            : [];

    private static string Text(JsonElement item, string name) =>
        item.TryGetProperty(name, out var text) && text.ValueKind == JsonValueKind.String ? text.GetString()! : "";
}
