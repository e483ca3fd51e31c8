using System.Diagnostics.CodeAnalysis;
using System.Numerics;

namespace Ambient.NodeProxy.Discovery;

/// <summary>
/// A node of <see cref="PersistentMap{TKey,TValue}"/>. A branch (five bits of the hash) holds an entry, a child, or nothing; both arrays
/// are as long as their bitmap has ones. Below the last bits of the hash a node is a plain list of entries with equal hashes.
/// A child never holds a single entry and nothing else: it would lie in its parent.
/// </summary>
internal sealed class PersistentMapNode<TKey, TValue>(object? owner)
    where TKey : notnull, IEquatable<TKey>
{
    private const int BitsPerLevel = 5;
    private const int HashBits = 32;

    private readonly object? _owner = owner;
    private uint _entryBits;
    private uint _childBits;
    private bool _ownsEntries;    // false: the array may be a predecessor's, copy it before changing a slot
    private bool _ownsChildren;
    private Entry[] _entries = [];
    private PersistentMapNode<TKey, TValue>[] _children = [];

    public bool TryFind(TKey key, int hash, [MaybeNullWhen(false)] out TValue value)
    {
        PersistentMapNode<TKey, TValue> node = this;
        for (int shift = 0; shift < HashBits; shift += BitsPerLevel)
        {
            uint bit = BitOf(hash, shift);
            if ((node._entryBits & bit) != 0)
            {
                ref readonly Entry entry = ref node._entries[IndexOf(node._entryBits, bit)];
                bool found = entry.Hash == hash && entry.Key.Equals(key);
                value = found ? entry.Value : default;
                return found;
            }
            if ((node._childBits & bit) == 0)
            {
                value = default;
                return false;
            }
            node = node._children[IndexOf(node._childBits, bit)];
        }
        int index = node.FindColliding(key);
        value = index >= 0 ? node._entries[index].Value : default;
        return index >= 0;
    }

    public PersistentMapNode<TKey, TValue> Put(object owner, TKey key, int hash, int shift, TValue value, out bool added)
    {
        PersistentMapNode<TKey, TValue> node = OwnedBy(owner);
        if (shift >= HashBits)
        {
            int at = node.FindColliding(key);
            added = at < 0;
            if (added)
                node.InsertEntry(node._entries.Length, 0, new Entry(hash, key, value));
            else
                node.SetEntry(at, new Entry(hash, key, value));
            return node;
        }

        uint bit = BitOf(hash, shift);
        if ((node._childBits & bit) != 0)
        {
            int at = IndexOf(node._childBits, bit);
            node.SetChild(at, node._children[at].Put(owner, key, hash, shift + BitsPerLevel, value, out added));
            return node;
        }
        int index = IndexOf(node._entryBits, bit);
        if ((node._entryBits & bit) == 0)
        {
            node.InsertEntry(index, bit, new Entry(hash, key, value));
            added = true;
            return node;
        }
        Entry there = node._entries[index];
        if (there.Hash == hash && there.Key.Equals(key))
        {
            node.SetEntry(index, new Entry(hash, key, value));
            added = false;
            return node;
        }

        // Two keys want one branch: both move a level down.
        PersistentMapNode<TKey, TValue> child = new PersistentMapNode<TKey, TValue>(owner).Put(owner, there.Key, there.Hash, shift + BitsPerLevel, there.Value, out _);
        child = child.Put(owner, key, hash, shift + BitsPerLevel, value, out added);
        node.RemoveEntry(index, bit);
        node._children = Inserted(node._children, IndexOf(node._childBits, bit), child);
        node._childBits |= bit;
        node._ownsChildren = true;
        return node;
    }

    public PersistentMapNode<TKey, TValue> Remove(object owner, TKey key, int hash, int shift, out bool removed)
    {
        uint bit = shift < HashBits ? BitOf(hash, shift) : 0;
        if ((_childBits & bit) != 0)
        {
            int at = IndexOf(_childBits, bit);
            PersistentMapNode<TKey, TValue> child = _children[at].Remove(owner, key, hash, shift + BitsPerLevel, out removed);
            if (!removed)
                return this;
            PersistentMapNode<TKey, TValue> node = OwnedBy(owner);
            if (child._children.Length > 0 || child._entries.Length > 1)
            {
                node.SetChild(at, child);
                return node;
            }
            node._children = Without(node._children, at);
            node._childBits &= ~bit;
            node._ownsChildren = true;
            node.InsertEntry(IndexOf(node._entryBits, bit), bit, child._entries[0]);
            return node;
        }

        int index = shift >= HashBits ? FindColliding(key) : (_entryBits & bit) != 0 ? IndexOf(_entryBits, bit) : -1;
        removed = index >= 0 && _entries[index].Hash == hash && _entries[index].Key.Equals(key);
        if (!removed)
            return this;
        PersistentMapNode<TKey, TValue> without = OwnedBy(owner);
        without.RemoveEntry(index, bit);
        return without;
    }

    public IEnumerable<KeyValuePair<TKey, TValue>> Entries()
    {
        var open = new Stack<PersistentMapNode<TKey, TValue>>();
        open.Push(this);
        while (open.TryPop(out PersistentMapNode<TKey, TValue>? node))
        {
            foreach (Entry entry in node._entries)
                yield return new KeyValuePair<TKey, TValue>(entry.Key, entry.Value);
            foreach (PersistentMapNode<TKey, TValue> child in node._children)
                open.Push(child);
        }
    }

    private static uint BitOf(int hash, int shift) => 1u << (int)(((uint)hash >> shift) & 31);

    private static int IndexOf(uint bits, uint bit) => BitOperations.PopCount(bits & (bit - 1));

    private PersistentMapNode<TKey, TValue> OwnedBy(object owner) => ReferenceEquals(_owner, owner)
        ? this
        : new PersistentMapNode<TKey, TValue>(owner) { _entryBits = _entryBits, _childBits = _childBits, _entries = _entries, _children = _children };

    private void InsertEntry(int index, uint bit, Entry entry)
    {
        _entries = Inserted(_entries, index, entry);
        _entryBits |= bit;
        _ownsEntries = true;
    }

    private void RemoveEntry(int index, uint bit)
    {
        _entries = Without(_entries, index);
        _entryBits &= ~bit;
        _ownsEntries = true;
    }

    private void SetEntry(int index, Entry entry)
    {
        if (!_ownsEntries)
            (_entries, _ownsEntries) = ([.. _entries], true);
        _entries[index] = entry;
    }

    private void SetChild(int index, PersistentMapNode<TKey, TValue> child)
    {
        if (ReferenceEquals(_children[index], child))
            return;
        if (!_ownsChildren)
            (_children, _ownsChildren) = ([.. _children], true);
        _children[index] = child;
    }

    private int FindColliding(TKey key)
    {
        for (int i = 0; i < _entries.Length; i++)
        {
            if (_entries[i].Key.Equals(key))
                return i;
        }
        return -1;
    }

    private static T[] Inserted<T>(T[] from, int index, T item)
    {
        var grown = new T[from.Length + 1];
        Array.Copy(from, grown, index);
        grown[index] = item;
        Array.Copy(from, index, grown, index + 1, from.Length - index);
        return grown;
    }

    private static T[] Without<T>(T[] from, int index)
    {
        var shrunk = new T[from.Length - 1];
        Array.Copy(from, shrunk, index);
        Array.Copy(from, index + 1, shrunk, index, shrunk.Length - index);
        return shrunk;
    }

    private readonly struct Entry(int hash, TKey key, TValue value)
    {
        public readonly int Hash = hash;
        public readonly TKey Key = key;
        public readonly TValue Value = value;
    }
}
