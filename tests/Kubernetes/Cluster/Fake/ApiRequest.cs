using System.Globalization;
using System.Text.Json.Nodes;
using Ambient.Controller.Sources.Yaml;
using Microsoft.AspNetCore.Http;

namespace Ambient.Tests.Kubernetes.Cluster.Fake;

/// <summary>A request, read as far as every kind has it in common.</summary>
internal sealed class ApiRequest(HttpRequest http)
{
    internal string[] Path { get; } = [.. http.Path.Value!.Split('/', StringSplitOptions.RemoveEmptyEntries)];

    internal string Method => http.Method;

    internal string? Query(string name) => http.Query.TryGetValue(name, out var value) ? (string?)value : null;

    internal bool Flag(string name) => Query(name) is "true" or "1";

    internal int? Number(string name) => Query(name) is not { Length: > 0 } text ? null
        : int.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out var number) ? number
        : throw ApiFailure.BadRequest($"{name}: expected a number, found {text}");

    internal bool IsDryRun => Query("dryRun") switch
    {
        null or "" => false,
        "All" => true,
        var other => throw ApiFailure.BadRequest($"dryRun: Unsupported value: \"{other}\""),
    };

    internal string MediaType => http.ContentType?.Split(';')[0].Trim() ?? "";

    /// <summary>Who the caller says changes the object; a program that says nothing is called by its user agent.</summary>
    internal string Manager => Query("fieldManager") ?? (http.Headers.UserAgent.ToString().Split('/')[0] is { Length: > 0 } agent ? agent : "unknown");

    internal async Task<JsonNode?> BodyAsync()
    {
        using var reader = new StreamReader(http.Body);
        var text = await reader.ReadToEndAsync(http.HttpContext.RequestAborted);
        if (text.Length == 0)
            return null;
        try
        {
            return MediaType is "application/apply-patch+yaml" or "application/yaml" ? Manifest.ToJson(YamlDocuments.Read(text).Single()) : JsonNode.Parse(text);
        }
        catch (Exception e) when (e is System.Text.Json.JsonException or YamlFaultException)
        {
            throw ApiFailure.BadRequest(e.Message);
        }
    }

    internal async Task<JsonObject> ObjectAsync() => await BodyAsync() as JsonObject ?? throw ApiFailure.BadRequest("expected an object");
}
