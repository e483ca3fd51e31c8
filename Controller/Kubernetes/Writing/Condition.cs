using Ambient.Controller.Model;
using Ambient.Controller.Sources;

namespace Ambient.Controller.Kubernetes.Writing;

/// <summary>Whether an object is in force, as its status says it (meta/v1.Condition of type Accepted).</summary>
/// <param name="Reason">A word in CamelCase.</param>
/// <param name="Message">For a person.</param>
internal sealed record Condition(bool IsTrue, string Reason, string Message)
{
    internal const string Type = "Accepted";

    // meta/v1.Condition allows 32768.
    private const int MaxMessage = 2048;

    /// <param name="settings">The MeshConfig in force; null if there is none.</param>
    /// <param name="fault">Why it cannot be read any more; null if it can.</param>
    /// <param name="verdict">What the model made of it; null if all is as it says.</param>
    internal static Condition Of(SourceObject item, MeshConfigObject? settings, SourceFault? fault, ObjectVerdict? verdict) => item switch
    {
        // Before its fault: what it said before is not in force.
        AccessPolicyObject { Unenforceable: { } cause } => new Condition(false, "Invalid", Cut($"{cause}: the pods that it selects take nothing until it is mended")),
        _ when fault is not null => new Condition(false, "Invalid", Cut($"{fault.Message}: what it said before stays in force")),
        MeshConfigObject config when settings is not null && settings.Name != config.Name => new Condition(false, "Ignored", $"MeshConfig {settings.Name} is the mesh's settings"),
        _ when verdict is not null => new Condition(verdict.IsInForce, verdict.IsInForce ? "PartlyInForce" : "NotInForce", Cut(verdict.Message)),
        _ => new Condition(true, "Accepted", "in force"),
    };

    /// <summary>For settings that could never be read.</summary>
    /// <param name="count">They would be the mesh's.</param>
    internal static Condition OfUnread(SourceFault fault, bool count) =>
        new(false, "Invalid", Cut($"{fault.Message}: nothing of it is in force{(count ? ", and a controller that starts waits until it can be read" : "")}"));

    private static string Cut(string message) => message.Length > MaxMessage ? message[..MaxMessage] : message;
}
