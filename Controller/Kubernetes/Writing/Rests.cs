namespace Ambient.Controller.Kubernetes.Writing;

/// <summary>
/// Which objects are left alone for a while, since the server would not have them written: longer each time, until one succeeds. So one
/// that is refused for ever costs little, and keeps no other from being written.
/// </summary>
/// <param name="first">After the first refusal.</param>
internal sealed class Rests<TKey>(TimeSpan first, TimeProvider time)
    where TKey : notnull
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(5);

    private readonly Lock _lock = new();
    private readonly Dictionary<TKey, (long Since, TimeSpan Length)> _rests = [];

    internal bool Has(TKey key)
    {
        lock (_lock)
            return _rests.TryGetValue(key, out var rest) && time.GetElapsedTime(rest.Since) < rest.Length;
    }

    /// <returns>Whether it is the first time since it was last written.</returns>
    internal bool Add(TKey key)
    {
        lock (_lock)
        {
            var before = _rests.TryGetValue(key, out var rest) ? rest.Length * 2 : TimeSpan.Zero;
            return SetLocked(key, before < first ? first : before < Longest ? before : Longest);
        }
    }

    /// <summary>Leaves it alone for a time that somebody else determines; none at all does nothing.</summary>
    /// <inheritdoc cref="Add"/>
    internal bool Set(TKey key, TimeSpan length)
    {
        lock (_lock)
            return length > TimeSpan.Zero && SetLocked(key, length);
    }

    /// <summary>It was written, or is gone.</summary>
    internal void Remove(TKey key)
    {
        lock (_lock)
            _rests.Remove(key);
    }

    /// <summary>Forgets those that are gone.</summary>
    internal void RetainOnly(IReadOnlySet<TKey> known)
    {
        lock (_lock)
        {
            foreach (var key in _rests.Keys.Where(key => !known.Contains(key)).ToList())
                _rests.Remove(key);
        }
    }

    private bool SetLocked(TKey key, TimeSpan length)
    {
        var isFirst = !_rests.ContainsKey(key);
        _rests[key] = (time.GetTimestamp(), length);
        return isFirst;
    }
}

/// <summary>What all of them have in common.</summary>
internal static class Rests
{
    /// <summary>More refusals in a round are no longer taken for one object's each: a right is missing, or the server is in trouble.</summary>
    internal const int MostRefusals = 20;

    /// <summary>For an object that is refused for the first time.</summary>
    internal static readonly TimeSpan First = TimeSpan.FromMinutes(1);
}
