namespace Ambient.NodeProxy.Balancing;

/// <summary>How much work an endpoint has from this node: a slot per loop that all loops read and only its own loop writes.</summary>
internal sealed class EndpointLoad(int loops)
{
    private const int SlotsPerCacheLine = 64 / sizeof(int);   // two loops never write the same line

    private readonly int[] _outstanding = new int[loops * SlotsPerCacheLine];
    private bool _isRetired;

    /// <summary>The table has let go of it, or is about to find out whether it may.</summary>
    public bool IsRetired
    {
        get => Volatile.Read(ref _isRetired);
        set => Volatile.Write(ref _isRetired, value);
    }

    /// <summary>What all loops have under way. Loops go on while this adds up: a good answer, not an exact one.</summary>
    public int Total
    {
        get
        {
            int total = 0;
            for (int i = 0; i < _outstanding.Length; i += SlotsPerCacheLine)
                total += Volatile.Read(ref _outstanding[i]);
            return total;
        }
    }

    public int OfLoop(int loop) => _outstanding[loop * SlotsPerCacheLine];

    public void Add(int loop, int change)
    {
        ref int slot = ref _outstanding[loop * SlotsPerCacheLine];
        Volatile.Write(ref slot, slot + change);
    }
}
