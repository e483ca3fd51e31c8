using Ambient.Controller.Sources;

namespace Ambient.Controller.Model;

/// <summary>
/// Who has what only one object can have (a name, a UID, an address): of those who claim it the first in order, whatever came when.
/// Costs what one claim costs; only what is contested holds a list. Owned by one thread.
/// </summary>
internal sealed class Claims<TKey>(IComparer<SourceObject> order)
    where TKey : notnull
{
    private readonly Dictionary<TKey, object> _claims = [];   // a SourceObject, or a list of several in order

    /// <summary>The owner; null if nobody claims it.</summary>
    internal SourceObject? OwnerOf(TKey key) => _claims.GetValueOrDefault(key) switch
    {
        List<SourceObject> several => several[0],
        var one => (SourceObject?)one,
    };

    /// <summary>All who claim it, the owner first.</summary>
    internal IReadOnlyList<SourceObject> Of(TKey key) => _claims.GetValueOrDefault(key) switch
    {
        null => [],
        List<SourceObject> several => several,
        var one => [(SourceObject)one],
    };

    internal void Add(TKey key, SourceObject claimant)
    {
        if (!_claims.TryGetValue(key, out var known))
        {
            _claims.Add(key, claimant);
            return;
        }
        if (known is not List<SourceObject> several)
            _claims[key] = several = [(SourceObject)known];
        var at = several.FindIndex(other => order.Compare(claimant, other) < 0);
        several.Insert(at < 0 ? several.Count : at, claimant);
    }

    /// <summary>Takes a claim back. One that was never made is ignored.</summary>
    internal void Remove(TKey key, SourceObject claimant)
    {
        if (!_claims.TryGetValue(key, out var known))
            return;
        if (known is List<SourceObject> several)
        {
            var at = several.FindIndex(other => ReferenceEquals(other, claimant));
            if (at >= 0)
                several.RemoveAt(at);
            if (several.Count == 1)
                _claims[key] = several[0];
        }
        else if (ReferenceEquals(known, claimant))
        {
            _claims.Remove(key);
        }
    }
}
