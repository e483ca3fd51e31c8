namespace Ambient.Controller.Sources;

/// <summary>Something in a source that could not be read; what was read before stays in force.</summary>
/// <param name="Message">What was expected and what was found, for a person.</param>
internal sealed record SourceFault(SourcePlace Place, string Message)
{
    /// <summary>The object that it is about; null where that is a file, of which nobody knows what it would have said.</summary>
    internal (string Kind, string Namespace, string Name)? Identity { get; init; }

    public override string ToString() => $"{Place}: {Message}";
}
