namespace Ambient.Controller.Sources;

/// <summary>Something in a source that could not be read; what was read before stays in force.</summary>
/// <param name="Message">What was expected and what was found, for a person.</param>
internal sealed record SourceFault(SourcePlace Place, string Message)
{
    public override string ToString() => $"{Place}: {Message}";
}
