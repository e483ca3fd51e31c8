namespace Ambient.Controller.Sources;

/// <summary>Where an object was read: a file and the line that it begins on, or what another source calls it.</summary>
/// <param name="Origin">A file name without its folder.</param>
/// <param name="Line">From 1; 0 where a source has no lines.</param>
internal readonly record struct SourcePlace(string Origin, int Line)
{
    public override string ToString() => Line > 0 ? $"{Origin}:{Line}" : Origin;
}
