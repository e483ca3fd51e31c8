using System.Text.Json.Nodes;

namespace Ambient.Tests.Kubernetes.Cluster.Fake;

/// <summary>A request that the API refuses. Reasons and codes: <c>meta/v1.StatusReason</c>.</summary>
internal sealed class ApiFailure(int code, string reason, string message) : Exception(message)
{
    internal int Code => code;

    internal string Reason => reason;

    internal JsonObject ToStatus() => new()
    {
        ["kind"] = "Status",
        ["apiVersion"] = "v1",
        ["metadata"] = new JsonObject(),
        ["status"] = "Failure",
        ["message"] = Message,
        ["reason"] = reason,
        ["code"] = code,
    };

    internal static ApiFailure BadRequest(string message) => new(400, "BadRequest", message);

    internal static ApiFailure NotFound(ResourceType type, string name) => new(404, "NotFound", $"{type.QualifiedName} \"{name}\" not found");

    internal static ApiFailure AlreadyExists(ResourceType type, string name) => new(409, "AlreadyExists", $"{type.QualifiedName} \"{name}\" already exists");

    internal static ApiFailure Conflict(ResourceType type, string name, string message) =>
        new(409, "Conflict", $"Operation cannot be fulfilled on {type.QualifiedName} \"{name}\": {message}");

    internal static ApiFailure Invalid(ResourceType type, string name, string message) => new(422, "Invalid", $"{type.Kind}.{type.Group} \"{name}\" is invalid: {message}");

    internal static ApiFailure Expired(string message) => new(410, "Expired", message);
}
