using System.Text.Json.Nodes;

namespace Ambient.Cli.Check.Cluster;

/// <summary>
/// Webhooks of others. Ambient has none of its own: its kinds are validated by rules in their definitions. One of somebody else's that pods
/// of ambient-system need, and that runs in a pod which needs the mesh, keeps both from starting after an outage.
/// </summary>
internal static class WebhookChecks
{
    public static CheckResult Judge(IReadOnlyList<JsonObject> configurations)
    {
        const string Name = "webhooks";
        var blocking = configurations.SelectMany(c => (c["webhooks"]?.AsArray() ?? []).Where(w => IsBlocking(w!)).Select(w => $"{c["metadata"]!["name"]}/{w!["name"]}")).ToList();
        return blocking.Count == 0
            ? CheckResult.Ok(Name, "none stands before the pods of ambient-system")
            : CheckResult.Warn(Name, $"must answer before a pod of ambient-system starts: {string.Join(", ", blocking.Take(5))}",
                "Except the namespace there: namespaceSelector: matchExpressions: [{key: kubernetes.io/metadata.name, operator: NotIn, values: [ambient-system]}].");
    }

    private static bool IsBlocking(JsonNode webhook) =>
        (string?)webhook["failurePolicy"] != "Ignore" && (webhook["rules"]?.AsArray() ?? []).Any(IsAboutPods) && SelectsUs(webhook["namespaceSelector"]);

    private static bool IsAboutPods(JsonNode? rule) => Has(rule!["resources"], "pods", "*", "*/*", "pods/*") && Has(rule["apiGroups"], "", "*") && Has(rule["operations"], "CREATE", "*");

    private static bool Has(JsonNode? list, params string[] any) => (list?.AsArray() ?? []).Any(item => any.Contains((string?)item));

    // Labels of our namespace that a selector may know: its name, which Kubernetes puts there, and our own.
    private static bool SelectsUs(JsonNode? selector)
    {
        string? Of(string key) => key switch
        {
            "kubernetes.io/metadata.name" => "ambient-system",
            "app.kubernetes.io/part-of" => "ambient",
            "pod-security.kubernetes.io/enforce" => "privileged",
            _ => null,
        };
        var matches = (selector?["matchLabels"]?.AsObject() ?? []).All(label => Of(label.Key) == (string?)label.Value);
        return matches && (selector?["matchExpressions"]?.AsArray() ?? []).All(e => (string?)e!["operator"] switch
        {
            "In" => Of((string)e["key"]!) is { } value && Has(e["values"], value),
            "NotIn" => Of((string)e["key"]!) is not { } value || !Has(e["values"], value),
            "Exists" => Of((string)e["key"]!) is not null,
            "DoesNotExist" => Of((string)e["key"]!) is null,
            _ => true,
        });
    }
}
