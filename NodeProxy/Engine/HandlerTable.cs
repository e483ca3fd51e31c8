using System.Diagnostics.CodeAnalysis;

namespace Ambient.NodeProxy.Engine;

/// <summary>
/// Who stands behind a token that epoll gives back. A token carries the slot's generation, so an event for a handler that ended
/// earlier in the same batch finds nobody instead of its successor.
/// </summary>
internal sealed class HandlerTable
{
    /// <summary>The token of the loop's own wake-up.</summary>
    public const ulong WakeUpToken = ulong.MaxValue;

    private readonly Stack<int> _free = new();
    private IReadinessHandler?[] _handlers = new IReadinessHandler?[256];
    private uint[] _generations = new uint[256];
    private int _used;

    /// <summary>Handlers registered.</summary>
    public int Count { get; private set; }

    public ulong Add(IReadinessHandler handler)
    {
        if (!_free.TryPop(out int slot))
        {
            slot = _used++;
            if (slot == _handlers.Length)
            {
                Array.Resize(ref _handlers, slot * 2);
                Array.Resize(ref _generations, slot * 2);
            }
        }

        _handlers[slot] = handler;
        Count++;
        return ((ulong)_generations[slot] << 32) | (uint)slot;
    }

    public void Remove(ulong token)
    {
        if (!TryFind(token, out _)) return;
        int slot = (int)(uint)token;
        _handlers[slot] = null;
        _generations[slot] = (_generations[slot] + 1) & 0x7fff_ffff; // never the wake-up's token
        _free.Push(slot);
        Count--;
    }

    public bool TryFind(ulong token, [NotNullWhen(true)] out IReadinessHandler? handler)
    {
        int slot = (int)(uint)token;
        handler = (uint)slot < (uint)_used && _generations[slot] == (uint)(token >> 32) ? _handlers[slot] : null;
        return handler is not null;
    }
}
