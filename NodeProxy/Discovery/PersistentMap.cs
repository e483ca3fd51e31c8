using System.Collections;
using System.Diagnostics.CodeAnalysis;

namespace Ambient.NodeProxy.Discovery;

/// <summary>
/// An immutable hash map whose successors share all of its structure but the changed path: a trie with 32 branches a level. Reading
/// takes no lock and allocates nothing; a change copies at most one node a level (about 4 levels for a million entries).
/// Changes are made through a <see cref="Builder"/>, which copies a node only once however many changes it makes.
/// </summary>
/// <remarks>
/// Why not ImmutableDictionary: it is a binary tree, 17 pointer steps deep at 100,000 entries. Measured here at that size: a lookup by
/// address costs 3-4 times this one's (tests/Unit/Discovery/MeshViewFigures).
/// </remarks>
public sealed class PersistentMap<TKey, TValue> : IReadOnlyCollection<KeyValuePair<TKey, TValue>>
    where TKey : notnull, IEquatable<TKey>
{
    private readonly PersistentMapNode<TKey, TValue> _root;

    private PersistentMap(PersistentMapNode<TKey, TValue> root, int count) => (_root, Count) = (root, count);

    /// <summary>The map without entries.</summary>
    public static PersistentMap<TKey, TValue> Empty { get; } = new(new PersistentMapNode<TKey, TValue>(null), 0);

    /// <inheritdoc/>
    public int Count { get; }

    /// <summary>Finds the value of a key.</summary>
    public bool TryGetValue(TKey key, [MaybeNullWhen(false)] out TValue value) => _root.TryFind(key, key.GetHashCode(), out value);

    /// <summary>A successor in the making.</summary>
    public Builder ToBuilder() => new(this);

    /// <summary>The entries, in an order that says nothing.</summary>
    public IEnumerator<KeyValuePair<TKey, TValue>> GetEnumerator() => _root.Entries().GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>Collects changes for one successor. Belongs to one thread, and to nobody after <see cref="ToMap"/>.</summary>
    public sealed class Builder
    {
        private readonly PersistentMap<TKey, TValue> _from;
        private readonly object _owner = new();   // nodes that carry it were made by this builder and may be changed in place
        private PersistentMapNode<TKey, TValue> _root;

        internal Builder(PersistentMap<TKey, TValue> from) => (_from, _root, Count) = (from, from._root, from.Count);

        /// <summary>How many entries the successor has as of now.</summary>
        public int Count { get; private set; }

        /// <summary>Finds the value of a key, changes made so far included.</summary>
        public bool TryGetValue(TKey key, [MaybeNullWhen(false)] out TValue value) => _root.TryFind(key, key.GetHashCode(), out value);

        /// <summary>Adds an entry or replaces its value.</summary>
        public void Put(TKey key, TValue value)
        {
            _root = _root.Put(_owner, key, key.GetHashCode(), 0, value, out bool added);
            if (added)
                Count++;
        }

        /// <summary>Removes an entry.</summary>
        /// <returns>It was there.</returns>
        public bool Remove(TKey key)
        {
            _root = _root.Remove(_owner, key, key.GetHashCode(), 0, out bool removed);
            if (removed)
                Count--;
            return removed;
        }

        /// <summary>The successor, or the very predecessor if nothing changed.</summary>
        public PersistentMap<TKey, TValue> ToMap() => ReferenceEquals(_root, _from._root) && Count == _from.Count ? _from : new PersistentMap<TKey, TValue>(_root, Count);
    }
}
