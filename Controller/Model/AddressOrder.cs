using Ambient.Controller.Sources;

namespace Ambient.Controller.Model;

/// <summary>Who has an address that several claim: pods before services before nodes, and then as the source names them.</summary>
internal sealed class AddressOrder : IComparer<SourceObject>
{
    internal static AddressOrder Instance { get; } = new();

    public int Compare(SourceObject? x, SourceObject? y) =>
        Rank(x) != Rank(y) ? Rank(x).CompareTo(Rank(y)) : SourceOrder.Instance.Compare(x, y);

    private static int Rank(SourceObject? item) => item switch
    {
        PodObject => 0,
        ServiceObject => 1,
        _ => 2,
    };
}
