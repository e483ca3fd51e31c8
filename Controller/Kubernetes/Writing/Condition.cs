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
    /// <returns>Null for kinds whose status is not ours.</returns>
    internal static Condition? Of(SourceObject item, MeshConfigObject? settings) => item switch
    {
        AccessPolicyObject { Unenforceable: { } fault } => new Condition(false, "Invalid", Cut($"{fault}: the pods that it selects take nothing until it is mended")),
        AccessPolicyObject => new Condition(true, "Accepted", "in force"),
        MeshConfigObject config when settings is not null && settings.Name != config.Name => new Condition(false, "Ignored", $"MeshConfig {settings.Name} is the mesh's settings"),
        MeshConfigObject => new Condition(true, "Accepted", "in force"),
        _ => null,
    };

    /// <summary>For an object that could not be read.</summary>
    internal static Condition Of(SourceFault fault) => new(false, "Invalid", Cut($"{fault.Message}: what it said before stays in force"));

    private static string Cut(string message) => message.Length > MaxMessage ? message[..MaxMessage] : message;
}
