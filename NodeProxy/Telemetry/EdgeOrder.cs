namespace Ambient.NodeProxy.Telemetry;

/// <summary>A fixed order of edges, so that two scrapes list them alike.</summary>
internal static class EdgeOrder
{
    public static int Compare(EdgeKey a, EdgeKey b)
    {
        int order = a.Reporter.CompareTo(b.Reporter);
        if (order == 0)
            order = string.CompareOrdinal(a.SourceNamespace, b.SourceNamespace);
        if (order == 0)
            order = string.CompareOrdinal(a.SourceWorkload, b.SourceWorkload);
        if (order == 0)
            order = string.CompareOrdinal(a.SourceIdentity, b.SourceIdentity);
        if (order == 0)
            order = string.CompareOrdinal(a.DestinationNamespace, b.DestinationNamespace);
        if (order == 0)
            order = string.CompareOrdinal(a.DestinationWorkload, b.DestinationWorkload);
        if (order == 0)
            order = string.CompareOrdinal(a.DestinationIdentity, b.DestinationIdentity);
        if (order == 0)
            order = string.CompareOrdinal(a.Service, b.Service);
        if (order == 0)
            order = a.Way.CompareTo(b.Way);
        return order != 0 ? order : a.Protection.CompareTo(b.Protection);
    }
}
