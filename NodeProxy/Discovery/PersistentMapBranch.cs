using System.Runtime.CompilerServices;

namespace Ambient.NodeProxy.Discovery;

/// <summary>
/// A node of a <see cref="PersistentMap{TKey,TValue}"/> that is too large for a list: by four bits of the hash it goes on to a list of
/// entries, to another branch, or to nothing. Not generic, so that telling it from a list is one comparison.
/// </summary>
internal sealed class PersistentMapBranch(object owner)
{
    public const int BitsPerLevel = 4;
    public const int Slots = 1 << BitsPerLevel;

    private SlotArray _slots;

    /// <summary>The builder's that made it, which alone may change it.</summary>
    public object Owner { get; } = owner;

    public object? this[int slot]
    {
        get => _slots[slot];
        set => _slots[slot] = value;
    }

    public static int SlotOf(int hash, int shift) => (int)((uint)hash >> shift) & (Slots - 1);

    /// <summary>The same with a further owner.</summary>
    public PersistentMapBranch CopyFor(object owner) => new(owner) { _slots = _slots };

    [InlineArray(Slots)]
    private struct SlotArray
    {
        private object? _first;
    }
}
