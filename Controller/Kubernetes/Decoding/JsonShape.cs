using System.Text;
using System.Text.Json;

namespace Ambient.Controller.Kubernetes.Decoding;

/// <summary>
/// Which fields of a kind are read; all others are passed over as the bytes come in. Written as
/// <c>metadata { name annotations(ambient.mesh/) } spec</c>: a name keeps its whole value, braces keep some of its fields (of each
/// entry where it is a list), parentheses keep the keys that begin so, <c>*</c> keeps all that is not named, and <c>!name</c> passes one over
/// nevertheless.
/// </summary>
internal sealed class JsonShape
{
    private readonly List<(byte[] Name, JsonShape? Shape)> _fields = [];
    private readonly byte[]? _prefix;
    private JsonShape? _others;

    private JsonShape(byte[]? prefix = null, bool isWhole = false)
    {
        _prefix = prefix;
        IsWhole = isWhole;
    }

    /// <summary>Everything below is kept.</summary>
    internal bool IsWhole { get; }

    private static JsonShape Whole { get; } = new(isWhole: true);

    internal static JsonShape Parse(string text)
    {
        var words = new Queue<string>(text.Replace("{", " { ").Replace("}", " } ").Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        var root = new JsonShape();
        root.ReadFields(words);
        return words.Count == 0 ? root : throw new FormatException($"expected no more, found {words.Peek()}");
    }

    /// <summary>The shape of the field that the reader stands on.</summary>
    /// <returns>Null if it is not kept.</returns>
    internal JsonShape? Find(ref Utf8JsonReader reader)
    {
        if (IsWhole)
            return this;
        if (_prefix is not null)
            return StartsWith(ref reader, _prefix) ? Whole : null;
        foreach (var (name, shape) in _fields)
        {
            if (reader.ValueTextEquals(name))
                return shape;
        }
        return _others;
    }

    private void ReadFields(Queue<string> words)
    {
        while (words.TryPeek(out var word) && word != "}")
        {
            words.Dequeue();
            if (word == "*")
            {
                _others = Whole;
                continue;
            }
            if (word[0] == '!')
            {
                _fields.Add((Encoding.UTF8.GetBytes(word[1..]), null));
                continue;
            }
            if (word.IndexOf('(') is > 0 and var open)
            {
                _fields.Add((Encoding.UTF8.GetBytes(word[..open]), new JsonShape(Encoding.UTF8.GetBytes(word[(open + 1)..^1]))));
                continue;
            }
            var shape = Whole;
            if (words.TryPeek(out var next) && next == "{")
            {
                words.Dequeue();
                shape = new JsonShape();
                shape.ReadFields(words);
                words.Dequeue();
            }
            _fields.Add((Encoding.UTF8.GetBytes(word), shape));
        }
    }

    private static bool StartsWith(ref Utf8JsonReader reader, byte[] prefix) =>
        !reader.HasValueSequence && !reader.ValueIsEscaped
            ? reader.ValueSpan.StartsWith(prefix)
            : Encoding.UTF8.GetBytes(reader.GetString()!).AsSpan().StartsWith(prefix);
}
