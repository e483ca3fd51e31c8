using System.Collections.Immutable;

namespace Ambient.Controller.Sources.Policies;

/// <summary>
/// A selector as Calico writes them: <c>app == 'web' &amp;&amp; has(tier)</c>. Source: the Calico documentation, "Selectors".
/// </summary>
internal sealed class CalicoExpression
{
    /// <summary>Longest selector, in characters.</summary>
    internal const int MaxLength = 8192;

    private const int MaxDepth = 32;
    private readonly string _text;
    private int _at;

    private CalicoExpression(string text) => _text = text;

    /// <summary>Reads a selector.</summary>
    /// <returns>What tells of labels whether it selects their owner; null if it is not understood.</returns>
    internal static Func<Func<string, string?>, bool>? Parse(string text)
    {
        if (text.Length > MaxLength)
            return null;
        var parser = new CalicoExpression(text);
        try
        {
            parser.Space();
            if (parser._at == text.Length)
                return _ => true;
            var parsed = parser.Or(0);
            return parser._at == text.Length ? parsed : null;
        }
        catch (FormatException)
        {
            return null;
        }
    }

    private Func<Func<string, string?>, bool> Or(int depth)
    {
        var terms = new List<Func<Func<string, string?>, bool>> { And(depth) };
        while (Take("||"))
            terms.Add(And(depth));
        return terms.Count == 1 ? terms[0] : labels => terms.Any(term => term(labels));
    }

    private Func<Func<string, string?>, bool> And(int depth)
    {
        var terms = new List<Func<Func<string, string?>, bool>> { Not(depth) };
        while (Take("&&"))
            terms.Add(Not(depth));
        return terms.Count == 1 ? terms[0] : labels => terms.All(term => term(labels));
    }

    private Func<Func<string, string?>, bool> Not(int depth)
    {
        if (depth > MaxDepth)
            throw new FormatException();
        if (Take("!"))
        {
            var negated = Not(depth + 1);
            return labels => !negated(labels);
        }
        if (Take("("))
        {
            var inner = Or(depth + 1);
            Need(")");
            return inner;
        }
        return Term();
    }

    private Func<Func<string, string?>, bool> Term()
    {
        var key = Word();
        if (key is "all" or "has" && Take("("))
        {
            var label = key == "has" ? Word() : null;
            Need(")");
            return labels => label is null || labels(label) is not null;
        }
        if (Take("=="))
            return Compare(key, Text(), (found, value) => found == value);
        if (Take("!="))
            return Compare(key, Text(), (found, value) => found != value);
        if (TakeWord("in"))
            return InSet(key, isIn: true);
        if (TakeWord("not"))
        {
            NeedWord("in");
            return InSet(key, isIn: false);
        }
        if (TakeWord("contains"))
            return Compare(key, Text(), (found, value) => found?.Contains(value, StringComparison.Ordinal) == true);
        if (TakeWord("starts"))
        {
            NeedWord("with");
            return Compare(key, Text(), (found, value) => found?.StartsWith(value, StringComparison.Ordinal) == true);
        }
        NeedWord("ends");
        NeedWord("with");
        return Compare(key, Text(), (found, value) => found?.EndsWith(value, StringComparison.Ordinal) == true);
    }

    private static Func<Func<string, string?>, bool> Compare(string key, string value, Func<string?, string, bool> holds) => labels => holds(labels(key), value);

    private Func<Func<string, string?>, bool> InSet(string key, bool isIn)
    {
        Need("{");
        var values = new List<string>();
        while (!Take("}"))
        {
            values.Add(Text());
            if (!Take(","))
            {
                Need("}");
                break;
            }
        }
        ImmutableArray<string> set = [.. values];
        // As in Kubernetes, "not in" holds without the label as well.
        return labels => labels(key) is { } found && set.Contains(found) ? isIn : !isIn;
    }

    private string Word()
    {
        var start = _at;
        while (_at < _text.Length && (char.IsAsciiLetterOrDigit(_text[_at]) || _text[_at] is '_' or '.' or '/' or '-'))
            _at++;
        var word = _text[start.._at];
        Space();
        // Calico's own copies of the labels of namespaces and accounts, which people do not write.
        return word.Length > 0 && !word.StartsWith("pcns.", StringComparison.Ordinal) && !word.StartsWith("pcsa.", StringComparison.Ordinal)
            ? word
            : throw new FormatException();
    }

    private string Text()
    {
        if (_at >= _text.Length || _text[_at] is not ('\'' or '"'))
            throw new FormatException();
        var end = _text.IndexOf(_text[_at], _at + 1);
        if (end < 0)
            throw new FormatException();
        var text = _text[(_at + 1)..end];
        _at = end + 1;
        Space();
        return text;
    }

    private bool TakeWord(string word)
    {
        var end = _at + word.Length;
        if (string.CompareOrdinal(_text, _at, word, 0, word.Length) != 0 || (end < _text.Length && char.IsAsciiLetterOrDigit(_text[end])))
            return false;
        _at = end;
        Space();
        return true;
    }

    private bool Take(string mark)
    {
        // "!" is no half of "!=".
        if (string.CompareOrdinal(_text, _at, mark, 0, mark.Length) != 0 || (mark == "!" && _at + 1 < _text.Length && _text[_at + 1] == '='))
            return false;
        _at += mark.Length;
        Space();
        return true;
    }

    private void Need(string mark)
    {
        if (!Take(mark))
            throw new FormatException();
    }

    private void NeedWord(string word)
    {
        if (!TakeWord(word))
            throw new FormatException();
    }

    private void Space()
    {
        while (_at < _text.Length && char.IsWhiteSpace(_text[_at]))
            _at++;
    }
}
