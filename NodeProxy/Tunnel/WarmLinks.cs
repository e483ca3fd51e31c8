namespace Ambient.NodeProxy.Tunnel;

/// <summary>
/// Bounds the links of one loop that were opened ahead and that nobody has used yet: a renewal of many certificates at once must not
/// become as many handshakes. What finds no room is opened when somebody asks for it, as always. Its loop's own.
/// </summary>
/// <param name="most">How many.</param>
internal sealed class WarmLinks(int most)
{
    /// <summary>Open or being opened, and unused.</summary>
    public int Count { get; private set; }

    /// <returns>False when there are as many as there may be.</returns>
    public bool TryAdd()
    {
        if (Count >= most) return false;
        Count++;
        return true;
    }

    /// <summary>One was used, or is over.</summary>
    public void Remove() => Count--;
}
