namespace Ambient.Controller.Model;

/// <summary>The part of a value that a person wrote that goes into a message about it.</summary>
internal static class Excerpt
{
    private const int Longest = 40;   // characters: enough to find the place, however long the value is

    /// <summary>The text, or its beginning and three dots.</summary>
    internal static string Of(string text) => text.Length <= Longest ? text : text[..Longest] + "...";
}
