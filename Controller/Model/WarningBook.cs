using System.Collections.Immutable;

namespace Ambient.Controller.Model;

/// <summary>What there is to say to people, by what it is about. Owned by one thread.</summary>
internal sealed class WarningBook
{
    private readonly Dictionary<object, ImmutableArray<string>> _bySubject = [];
    private readonly Dictionary<string, int> _counts = new(StringComparer.Ordinal);
    private ImmutableArray<string>? _all = [];

    /// <summary>All of it, each once, in order. Made anew only if it changed.</summary>
    internal ImmutableArray<string> All => _all ??= [.. _counts.Keys.Order(StringComparer.Ordinal)];

    /// <summary>Replaces what was said about a subject.</summary>
    /// <param name="subject">Compared by content, so a tuple or an object of the source.</param>
    internal void Set(object subject, IReadOnlyCollection<string> warnings)
    {
        if (_bySubject.Remove(subject, out var before))
        {
            if (before.Length == warnings.Count && before.SequenceEqual(warnings))
            {
                _bySubject.Add(subject, before);
                return;
            }
            foreach (var gone in before)
            {
                if (--_counts[gone] == 0)
                    _counts.Remove(gone);
            }
            _all = null;
        }
        if (warnings.Count == 0)
            return;
        _bySubject.Add(subject, [.. warnings]);
        foreach (var said in warnings)
            _counts[said] = _counts.GetValueOrDefault(said) + 1;
        _all = null;
    }
}
