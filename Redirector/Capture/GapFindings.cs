using System.Globalization;

namespace Ambient.Redirector.Capture;

/// <summary>What was found of the time in which a pod's rules were not in force.</summary>
/// <param name="Known">For the next look.</param>
/// <param name="EntriesDropped">Conntrack entries of connections being opened, so that their next SYN is redirected.</param>
/// <param name="Closed">Connections in the clear that were ended.</param>
/// <param name="Listed">Connections in the clear that could not be ended, or must not because they may be from before capture.</param>
/// <param name="Examples">A few of them, for a person.</param>
/// <param name="Note">Why the look is not complete; empty when it is.</param>
internal sealed record GapFindings(
    KnownConnections Known, int EntriesDropped, int Closed, int Listed, IReadOnlyList<string> Examples, string Note)
{
    /// <summary>Nothing to tell.</summary>
    public bool IsEmpty => EntriesDropped == 0 && Closed == 0 && Listed == 0 && Note.Length == 0;

    /// <summary>For a person; empty when there is nothing to tell.</summary>
    public override string ToString()
    {
        var parts = new List<string>();
        if (EntriesDropped > 0)
            parts.Add(string.Create(CultureInfo.InvariantCulture, $"{EntriesDropped} SYN entries dropped"));
        if (Closed > 0)
            parts.Add(string.Create(CultureInfo.InvariantCulture, $"{Closed} connections in the clear closed"));
        if (Listed > 0)
            parts.Add(string.Create(CultureInfo.InvariantCulture, $"{Listed} connections in the clear remain"));
        if (Examples.Count > 0)
            parts.Add(string.Join(", ", Examples));
        if (Note.Length > 0)
            parts.Add(Note);
        return string.Join("; ", parts);
    }
}
