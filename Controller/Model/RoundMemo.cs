using System.Diagnostics.CodeAnalysis;

namespace Ambient.Controller.Model;

/// <summary>
/// Remembers from one round to the next what was made of what. Whoever asks with the inputs of the last round gets the very
/// object of then, so that those behind can tell by reference what changed. What a round does not ask for is forgotten.
/// Owned by one thread.
/// </summary>
/// <typeparam name="TSource">What something is made of; told apart by reference, since comparing contents would cost more than making anew.</typeparam>
/// <typeparam name="TInputs">Everything else that the making looks at. What is not in it must not be looked at.</typeparam>
internal sealed class RoundMemo<TSource, TInputs, TMade>
    where TSource : class
    where TInputs : IEquatable<TInputs>
{
    private Dictionary<TSource, Entry> _before = new(ReferenceEqualityComparer.Instance);
    private Dictionary<TSource, Entry> _now = new(ReferenceEqualityComparer.Instance);

    internal bool TryGet(TSource source, TInputs inputs, [MaybeNullWhen(false)] out TMade made)
    {
        if (_before.TryGetValue(source, out var entry) && entry.Inputs.Equals(inputs))
        {
            _now[source] = entry;
            made = entry.Made;
            return true;
        }
        made = default;
        return false;
    }

    internal TMade Put(TSource source, TInputs inputs, TMade made)
    {
        _now[source] = new Entry(inputs, made);
        return made;
    }

    /// <summary>The round is over.</summary>
    internal void EndRound()
    {
        (_before, _now) = (_now, _before);
        _now.Clear();
    }

    private readonly record struct Entry(TInputs Inputs, TMade Made);
}
