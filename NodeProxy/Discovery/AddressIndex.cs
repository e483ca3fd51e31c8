using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Net;

namespace Ambient.NodeProxy.Discovery;

/// <summary>
/// Who is found at an address. Two may claim one address for a while (a pod's successor is announced before its own end is): then one of
/// them is found, by a rule that does not depend on the order of their arrival, and the other once the first is gone.
/// </summary>
internal sealed class AddressIndex<T>
    where T : class
{
    private readonly PersistentMap<AddressKey, T> _found;
    private readonly PersistentMap<AddressKey, ImmutableArray<T>> _contested;   // all claimants, where there are several

    private AddressIndex(PersistentMap<AddressKey, T> found, PersistentMap<AddressKey, ImmutableArray<T>> contested) => (_found, _contested) = (found, contested);

    public static AddressIndex<T> Empty { get; } = new(PersistentMap<AddressKey, T>.Empty, PersistentMap<AddressKey, ImmutableArray<T>>.Empty);

    /// <summary>How many addresses can be found.</summary>
    public int Count => _found.Count;

    /// <summary>How many addresses have several claimants.</summary>
    public int Contested => _contested.Count;

    public bool TryFind(IPAddress address, [NotNullWhen(true)] out T? value) => _found.TryGetValue(new AddressKey(address), out value);

    /// <param name="ofSameThing">Two values are versions of one thing.</param>
    /// <param name="precedence">Sorts claimants of one address; the first is the one found. Must be a total order on different things.</param>
    public Builder ToBuilder(Func<T, T, bool> ofSameThing, Comparison<T> precedence) => new(this, ofSameThing, precedence);

    internal sealed class Builder(AddressIndex<T> from, Func<T, T, bool> ofSameThing, Comparison<T> precedence)
    {
        private readonly PersistentMap<AddressKey, T>.Builder _found = from._found.ToBuilder();
        private readonly PersistentMap<AddressKey, ImmutableArray<T>>.Builder _contested = from._contested.ToBuilder();

        /// <summary>Adds a claim or replaces the same thing's earlier one.</summary>
        public void Put(IPAddress address, T value)
        {
            var key = new AddressKey(address);
            if (!_found.TryGetValue(key, out T? found) || (!_contested.TryGetValue(key, out ImmutableArray<T> all) && ofSameThing(found, value)))
            {
                _found.Put(key, value);
                return;
            }
            ImmutableArray<T> others = all.IsDefault ? [found] : all.RemoveAll(claimant => ofSameThing(claimant, value));
            Settle(key, others.Add(value));
        }

        /// <summary>Takes a thing's claim away.</summary>
        public void Remove(IPAddress address, T value)
        {
            var key = new AddressKey(address);
            if (_contested.TryGetValue(key, out ImmutableArray<T> all))
                Settle(key, all.RemoveAll(claimant => ofSameThing(claimant, value)));
            else if (_found.TryGetValue(key, out T? found) && ofSameThing(found, value))
                _found.Remove(key);
        }

        public AddressIndex<T> ToIndex() => new(_found.ToMap(), _contested.ToMap());

        private void Settle(AddressKey key, ImmutableArray<T> claimants)
        {
            ImmutableArray<T> sorted = claimants.Sort(precedence);
            _found.Put(key, sorted[0]);
            if (sorted.Length > 1)
                _contested.Put(key, sorted);
            else
                _contested.Remove(key);
        }
    }
}
