namespace Ambient.Controller.Sources;

/// <summary>
/// Which of two objects a source names first: the same for the same content, however it came about. In a folder it is the order of
/// files, and of lines in one; without lines that of kind, namespace and name.
/// </summary>
internal sealed class SourceOrder : IComparer<SourceObject>
{
    internal static SourceOrder Instance { get; } = new();

    public int Compare(SourceObject? x, SourceObject? y)
    {
        if (ReferenceEquals(x, y) || x is null || y is null)
            return ReferenceEquals(x, y) ? 0 : x is null ? -1 : 1;
        return First(string.CompareOrdinal(x.Place.Origin, y.Place.Origin), x.Place.Line.CompareTo(y.Place.Line),
            string.CompareOrdinal(x.Kind, y.Kind), string.CompareOrdinal(x.Namespace, y.Namespace), string.CompareOrdinal(x.Name, y.Name));
    }

    private static int First(params ReadOnlySpan<int> differences)
    {
        foreach (var difference in differences)
        {
            if (difference != 0)
                return difference;
        }
        return 0;
    }
}
