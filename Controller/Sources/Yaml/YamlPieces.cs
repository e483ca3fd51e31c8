namespace Ambient.Controller.Sources.Yaml;

/// <summary>
/// Cuts a text at its document markers into pieces that say the same when each is read by itself. The pieces of a text are the
/// whole of it, in order.
/// </summary>
internal static class YamlPieces
{
    /// <summary>One piece: its place in the text, and how many lines are before it.</summary>
    internal readonly record struct Piece(int Start, int Length, int LinesBefore);

    internal static List<Piece> Of(string text)
    {
        var pieces = new List<Piece>();
        var (start, startLine, line) = (0, 0, 0);
        for (var at = 0; at < text.Length; line++)
        {
            var rest = text.AsSpan(at);
            // A directive belongs to the document after it, and what follows the end of a document may be anything.
            if (rest[0] == '%' || IsMarker(rest, "..."))
                return [new Piece(0, text.Length, 0)];
            if (at > start && IsMarker(rest, "---"))
            {
                pieces.Add(new Piece(start, at - start, startLine));
                (start, startLine) = (at, line);
            }
            var length = rest.IndexOf('\n');
            // YAML knows line breaks beside this one, and lines counted otherwise would be told wrongly.
            if ((length < 0 ? rest : rest[..length]).TrimEnd('\r').IndexOfAny("\r\u0085\u2028\u2029") >= 0)
                return [new Piece(0, text.Length, 0)];
            at += length < 0 ? rest.Length : length + 1;
        }
        pieces.Add(new Piece(start, text.Length - start, startLine));
        return pieces;
    }

    private static bool IsMarker(ReadOnlySpan<char> line, string marker) =>
        line.StartsWith(marker) && (line.Length == marker.Length || line[marker.Length] is ' ' or '\t' or '\r' or '\n');
}
