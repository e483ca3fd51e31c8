using System.Text.Json.Nodes;

namespace Ambient.Tests.Kubernetes.Cluster.Fake;

/// <summary>What a request would do.</summary>
/// <param name="Resource">Plural, with the subresource behind a slash if there is one.</param>
internal sealed record Attempt(string Verb, string Group, string Resource, string Namespace, string Name);

/// <summary>Role-based access control over the roles and bindings in storage. Source: the rbac.authorization.k8s.io/v1 API.</summary>
internal sealed class Authorizer(Storage storage)
{
    private static ResourceType Type(string plural) => ResourceType.BuiltIn.Single(t => t.Plural == plural);

    private static readonly ResourceType Roles = Type("roles");
    private static readonly ResourceType Bindings = Type("rolebindings");
    private static readonly ResourceType ClusterRoles = Type("clusterroles");
    private static readonly ResourceType ClusterBindings = Type("clusterrolebindings");

    internal bool Allows(Caller caller, Attempt attempt)
    {
        if (caller.Groups.Contains(Caller.Masters))
            return true;
        // What the server's own roles give everybody who is known.
        if (caller.Groups.Contains("system:authenticated") && attempt is { Verb: "create", Resource: "selfsubjectaccessreviews" or "selfsubjectrulesreviews" or "selfsubjectreviews" })
            return true;
        return storage.List(ClusterBindings).All.Values.Select(b => b.Copy()).Any(b => Names(b, caller, "") && RoleAllows(b, "", attempt))
            || (attempt.Namespace.Length > 0 && storage.List(Bindings).All.Where(b => b.Key.Namespace == attempt.Namespace).Select(b => b.Value.Copy())
                .Any(b => Names(b, caller, attempt.Namespace) && RoleAllows(b, attempt.Namespace, attempt)));
    }

    /// <summary>The server's words for a refusal.</summary>
    internal static ApiFailure Refusal(Caller caller, Attempt attempt) => new(403, "Forbidden",
        $"{attempt.Resource}{(attempt.Group.Length > 0 ? $".{attempt.Group}" : "")}{(attempt.Name.Length > 0 ? $" \"{attempt.Name}\"" : "")} is forbidden: User \"{caller.Name}\" cannot {attempt.Verb} resource \"{attempt.Resource}\" in API group \"{attempt.Group}\" "
        + (attempt.Namespace.Length > 0 ? $"in the namespace \"{attempt.Namespace}\"" : "at the cluster scope"));

    private static bool Names(JsonObject binding, Caller caller, string ns) => (binding["subjects"] as JsonArray ?? []).Any(s => (string?)s!["kind"] switch
    {
        "User" => (string?)s["name"] == caller.Name,
        "Group" => caller.Groups.Contains((string)s["name"]!),
        "ServiceAccount" => caller.Name == $"system:serviceaccount:{(string?)s["namespace"] ?? ns}:{s["name"]}",
        _ => false,
    });

    private bool RoleAllows(JsonObject binding, string ns, Attempt attempt)
    {
        var name = (string)binding["roleRef"]!["name"]!;
        var role = (string?)binding["roleRef"]!["kind"] == "ClusterRole" ? storage.Find(ClusterRoles, "", name) : storage.Find(Roles, ns, name);
        return (role?.Copy()["rules"] as JsonArray ?? []).Any(rule =>
            Holds(rule!["verbs"], attempt.Verb) && Holds(rule["apiGroups"], attempt.Group) && HoldsResource(rule["resources"], attempt.Resource)
            && (rule["resourceNames"] is not JsonArray { Count: > 0 } names || names.Any(n => (string?)n == attempt.Name)));
    }

    private static bool Holds(JsonNode? list, string text) => (list as JsonArray ?? []).Any(item => (string?)item == "*" || (string?)item == text);

    private static bool HoldsResource(JsonNode? list, string resource) => Holds(list, resource)
        || (resource.IndexOf('/') is > 0 and var slash && (list as JsonArray ?? []).Any(item => (string?)item == $"*{resource[slash..]}"));
}
