using System.Collections.Frozen;

namespace Ambient.NodeProxy.Policy;

/// <summary>Blocks of addresses. A question costs a lookup for each length of prefix that occurs, however many blocks there are.</summary>
internal sealed class SourceSet
{
    private readonly FrozenSet<SourceRange> _ranges;
    private readonly int[] _lengths;

    public SourceSet(IEnumerable<SourceRange> ranges)
    {
        _ranges = ranges.ToFrozenSet();
        _lengths = [.. _ranges.Select(range => range.PrefixLength).Distinct()];
    }

    public bool Contains(SourceAddress address)
    {
        foreach (int length in _lengths)
        {
            if (_ranges.Contains(new SourceRange(address.Prefix(length), length))) return true;
        }

        return false;
    }
}
