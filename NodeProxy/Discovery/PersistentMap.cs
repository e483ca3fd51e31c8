using System.Collections;
using System.Diagnostics.CodeAnalysis;

namespace Ambient.NodeProxy.Discovery;

/// <summary>
/// An immutable hash map whose successors share all of its structure but the changed path: a trie with 16 branches a level, whose leaves
/// are lists of up to 32 entries. Reading takes no lock and allocates nothing; a change copies one list and one branch a level (four
/// levels for a million entries). Changes are made through a <see cref="Builder"/>, which copies a branch only once.
/// </summary>
/// <remarks>
/// <para>Why lists: most of a trie's nodes are its lowest, and one that holds three entries costs as much again as they do. At 100,000
/// entries a list's share is a byte or two an entry where a node and its two arrays took 30. A map of a few entries, of which a view has
/// tens of thousands, is one list. The hash is kept beside the key: a list is gone through without a look at keys elsewhere in memory.</para>
/// <para>Why not ImmutableDictionary: it is a binary tree, 17 pointer steps deep at 100,000 entries, of nodes of 56 bytes
/// (tests/Unit/Discovery/MeshViewFigures).</para>
/// </remarks>
public sealed class PersistentMap<TKey, TValue> : IReadOnlyCollection<KeyValuePair<TKey, TValue>>
    where TKey : notnull, IEquatable<TKey>
{
    private const int LongestList = 32;
    private const int HashBits = 32;

    private readonly object? _root;   // null, a list (Entry[]) or a PersistentMapBranch

    private PersistentMap(object? root, int count) => (_root, Count) = (root, count);

    /// <summary>The map without entries.</summary>
    public static PersistentMap<TKey, TValue> Empty { get; } = new(null, 0);

    /// <inheritdoc/>
    public int Count { get; }

    /// <summary>Finds the value of a key.</summary>
    public bool TryGetValue(TKey key, [MaybeNullWhen(false)] out TValue value) => TryFind(_root, key, out value);

    /// <summary>A successor in the making.</summary>
    public Builder ToBuilder() => new(this);

    /// <summary>The entries, in an order that says nothing.</summary>
    public IEnumerator<KeyValuePair<TKey, TValue>> GetEnumerator()
    {
        var open = new Stack<object>();
        if (_root is not null)
            open.Push(_root);
        while (open.TryPop(out object? place))
        {
            if (place is PersistentMapBranch branch)
            {
                for (int i = 0; i < PersistentMapBranch.Slots; i++)
                {
                    if (branch[i] is { } below)
                        open.Push(below);
                }
                continue;
            }
            foreach (Entry entry in (Entry[])place)
                yield return new KeyValuePair<TKey, TValue>(entry.Key, entry.Value);
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private static bool TryFind(object? place, TKey key, [MaybeNullWhen(false)] out TValue value)
    {
        int hash = key.GetHashCode();
        if (place is PersistentMapBranch branch)
            place = Descend(branch, hash);
        if (place is not null)
        {
            var list = (Entry[])place;
            int at = IndexOf(list, key, hash);
            if (at >= 0)
            {
                value = list[at].Value;
                return true;
            }
        }
        value = default;
        return false;
    }

    private static object? Descend(PersistentMapBranch branch, int hash)
    {
        while (true)
        {
            object? below = branch[hash & (PersistentMapBranch.Slots - 1)];
            if (below is not PersistentMapBranch next)
                return below;
            (branch, hash) = (next, (int)((uint)hash >> PersistentMapBranch.BitsPerLevel));
        }
    }

    private static int IndexOf(Entry[] list, TKey key, int hash)
    {
        for (int i = 0; i < list.Length; i++)
        {
            if (list[i].Hash == hash && list[i].Key.Equals(key))
                return i;
        }
        return -1;
    }

    private readonly record struct Entry(int Hash, TKey Key, TValue Value);

    /// <summary>Collects changes for one successor. Belongs to one thread, and to nobody after <see cref="ToMap"/>.</summary>
    public sealed class Builder
    {
        private readonly PersistentMap<TKey, TValue> _from;
        private readonly object _owner = new();   // not the builder itself: branches outlive it, and it knows the predecessor
        private object? _root;

        internal Builder(PersistentMap<TKey, TValue> from) => (_from, _root, Count) = (from, from._root, from.Count);

        /// <summary>How many entries the successor has as of now.</summary>
        public int Count { get; private set; }

        /// <summary>Finds the value of a key, changes made so far included.</summary>
        public bool TryGetValue(TKey key, [MaybeNullWhen(false)] out TValue value) => TryFind(_root, key, out value);

        /// <summary>Adds an entry or replaces its value.</summary>
        public void Put(TKey key, TValue value)
        {
            int hash = key.GetHashCode();
            _root = Put(_root, new Entry(hash, key, value), hash, 0);
        }

        /// <summary>Removes an entry.</summary>
        /// <returns>It was there.</returns>
        public bool Remove(TKey key)
        {
            // Asked first: a path is not copied for nothing.
            if (!TryFind(_root, key, out _))
                return false;
            _root = Remove(_root!, key, key.GetHashCode(), 0);
            Count--;
            return true;
        }

        /// <summary>The successor, or the very predecessor if nothing changed.</summary>
        public PersistentMap<TKey, TValue> ToMap() => ReferenceEquals(_root, _from._root) ? _from : new PersistentMap<TKey, TValue>(_root, Count);

        private object Put(object? place, Entry entry, int hash, int shift)
        {
            if (place is PersistentMapBranch branch)
            {
                branch = Own(branch);
                int slot = PersistentMapBranch.SlotOf(hash, shift);
                branch[slot] = Put(branch[slot], entry, hash, shift + PersistentMapBranch.BitsPerLevel);
                return branch;
            }
            Entry[] list = place is null ? [] : (Entry[])place;
            int at = IndexOf(list, entry.Key, hash);
            if (at >= 0)
            {
                list = [.. list];
                list[at] = entry;
                return list;
            }
            Count++;
            if (list.Length < LongestList || shift >= HashBits)
                return (Entry[])[.. list, entry];
            object split = new PersistentMapBranch(_owner);
            Count -= list.Length + 1;   // counted again one by one
            foreach (Entry one in list)
                split = Put(split, one, one.Hash, shift);
            return Put(split, entry, hash, shift);
        }

        private object? Remove(object place, TKey key, int hash, int shift)
        {
            if (place is PersistentMapBranch branch)
            {
                branch = Own(branch);
                int slot = PersistentMapBranch.SlotOf(hash, shift);
                branch[slot] = Remove(branch[slot]!, key, hash, shift + PersistentMapBranch.BitsPerLevel);
                return Joined(branch) ?? (object)branch;
            }
            var list = (Entry[])place;
            int at = IndexOf(list, key, hash);
            return list.Length == 1 ? null : (Entry[])[.. list.AsSpan(0, at), .. list.AsSpan(at + 1)];
        }

        // A branch that has become small is a list again; half of what made it a branch, so that it does not go to and fro.
        private static Entry[]? Joined(PersistentMapBranch branch)
        {
            int count = 0;
            for (int i = 0; i < PersistentMapBranch.Slots; i++)
            {
                if (branch[i] is PersistentMapBranch)
                    return null;
                count += branch[i] is { } list ? ((Entry[])list).Length : 0;
            }
            if (count > LongestList / 2)
                return null;
            var joined = new List<Entry>(count);
            for (int i = 0; i < PersistentMapBranch.Slots; i++)
                joined.AddRange(branch[i] is { } list ? (Entry[])list : []);
            return [.. joined];
        }

        private PersistentMapBranch Own(PersistentMapBranch branch) => ReferenceEquals(branch.Owner, _owner) ? branch : branch.CopyFor(_owner);
    }
}
