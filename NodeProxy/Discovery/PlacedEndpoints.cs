namespace Ambient.NodeProxy.Discovery;

/// <summary>
/// The ready endpoints of one port and address family: all of them, and, for a service that sends its clients to near ones first,
/// those of each zone and of each node, so that the near ones are found without a look at the others. Immutable.
/// </summary>
public sealed class PlacedEndpoints
{
    private readonly PersistentMap<string, ReadyEndpointSet> _byZone;
    private readonly PersistentMap<string, ReadyEndpointSet> _byNode;

    private PlacedEndpoints(ReadyEndpointSet all, PersistentMap<string, ReadyEndpointSet> byZone, PersistentMap<string, ReadyEndpointSet> byNode) =>
        (All, _byZone, _byNode) = (all, byZone, byNode);

    /// <summary>No endpoints.</summary>
    public static PlacedEndpoints Empty { get; } =
        new(ReadyEndpointSet.Empty, PersistentMap<string, ReadyEndpointSet>.Empty, PersistentMap<string, ReadyEndpointSet>.Empty);

    /// <summary>All of them.</summary>
    public ReadyEndpointSet All { get; }

    /// <summary>Those of a zone; none in a zone without a name.</summary>
    public ReadyEndpointSet InZone(string zone) => zone.Length > 0 && _byZone.TryGetValue(zone, out ReadyEndpointSet? set) ? set : ReadyEndpointSet.Empty;

    /// <summary>Those of a node; none on a node without a name.</summary>
    public ReadyEndpointSet OnNode(string node) => node.Length > 0 && _byNode.TryGetValue(node, out ReadyEndpointSet? set) ? set : ReadyEndpointSet.Empty;

    internal Builder ToBuilder(bool byPlace) => new(this, byPlace);

    /// <summary>Collects the changes of one delta.</summary>
    /// <param name="from">The predecessor.</param>
    /// <param name="byPlace">Zones and nodes are kept apart; as in the predecessor.</param>
    internal sealed class Builder(PlacedEndpoints from, bool byPlace)
    {
        private readonly ReadyEndpointSet.Builder _all = from.All.ToBuilder();
        private readonly Dictionary<string, ReadyEndpointSet.Builder> _zones = [];
        private readonly Dictionary<string, ReadyEndpointSet.Builder> _nodes = [];

        public void Put(ReadyEndpoint endpoint)
        {
            _all.Put(endpoint.Key, endpoint);
            if (!byPlace)
                return;
            if (endpoint.Zone.Length > 0)
                SetOf(_zones, from._byZone, endpoint.Zone).Put(endpoint.Key, endpoint);
            if (endpoint.Node.Length > 0)
                SetOf(_nodes, from._byNode, endpoint.Node).Put(endpoint.Key, endpoint);
        }

        /// <param name="key">The endpoint's.</param>
        /// <param name="zone">Where it was.</param>
        /// <param name="node">Where it was.</param>
        public void Remove(string key, string zone, string node)
        {
            _all.Remove(key);
            if (!byPlace)
                return;
            if (zone.Length > 0)
                SetOf(_zones, from._byZone, zone).Remove(key);
            if (node.Length > 0)
                SetOf(_nodes, from._byNode, node).Remove(key);
        }

        public PlacedEndpoints ToPlaced() => new(_all.ToSet(), Merge(from._byZone, _zones), Merge(from._byNode, _nodes));

        private static ReadyEndpointSet.Builder SetOf(
            Dictionary<string, ReadyEndpointSet.Builder> changed, PersistentMap<string, ReadyEndpointSet> before, string place)
        {
            if (!changed.TryGetValue(place, out ReadyEndpointSet.Builder? builder))
                changed.Add(place, builder = (before.TryGetValue(place, out ReadyEndpointSet? set) ? set : ReadyEndpointSet.Empty).ToBuilder());
            return builder;
        }

        private static PersistentMap<string, ReadyEndpointSet> Merge(
            PersistentMap<string, ReadyEndpointSet> before, Dictionary<string, ReadyEndpointSet.Builder> changed)
        {
            if (changed.Count == 0)
                return before;
            PersistentMap<string, ReadyEndpointSet>.Builder merged = before.ToBuilder();
            foreach ((string place, ReadyEndpointSet.Builder builder) in changed)
            {
                ReadyEndpointSet set = builder.ToSet();
                if (set.Count > 0)
                    merged.Put(place, set);
                else
                    merged.Remove(place);
            }
            return merged.ToMap();
        }
    }
}
