using System.Collections.Immutable;
using System.Net;
using Ambient.Controller.Sources;
using Ambient.Protocol.Mesh.V1;
using Google.Protobuf;

namespace Ambient.Controller.Model;

/// <summary>The machines that the source names. A source without any is complete too: then nothing is known of places. Owned by one thread.</summary>
internal sealed class NodeBook
{
    private readonly Dictionary<string, NodeObject> _nodes = [];
    private readonly HashSet<string> _dirty = [];
    private readonly Dictionary<string, string> _zonesBefore = [];   // of those that came, went or changed

    /// <summary>Names of those that came, went, changed, or lost or won an address.</summary>
    internal IReadOnlyCollection<string> Dirty => _dirty;

    internal void Set(NodeObject node)
    {
        _zonesBefore.TryAdd(node.Name, ZoneOf(node.Name));
        _nodes[node.Name] = node;
        _dirty.Add(node.Name);
    }

    internal void Remove(NodeObject node)
    {
        _zonesBefore.TryAdd(node.Name, ZoneOf(node.Name));
        _nodes.Remove(node.Name);
        _dirty.Add(node.Name);
    }

    internal void AddressesChanged(NodeObject node) => _dirty.Add(node.Name);

    internal NodeObject? Find(string name) => _nodes.GetValueOrDefault(name);

    /// <summary>The zone of a node; empty if the source does not tell.</summary>
    internal string ZoneOf(string node) => Find(node)?.Zone ?? "";

    /// <summary>All that changed has been made again.</summary>
    /// <returns>Whether the zone of any is another.</returns>
    internal bool AllMade()
    {
        var haveZonesChanged = _zonesBefore.Any(node => ZoneOf(node.Key) != node.Value);
        _zonesBefore.Clear();
        _dirty.Clear();
        return haveZonesChanged;
    }

    /// <param name="addresses">Those of its addresses that nobody else has.</param>
    internal static Resource ToResource(NodeObject node, ImmutableArray<IPAddress> addresses) => new()
    {
        Key = $"node/{node.Name}",
        Node = new NodeResource
        {
            Name = node.Name,
            Addresses = { addresses.Select(a => ByteString.CopyFrom(a.GetAddressBytes())) },
            Zone = node.Zone,
        },
    };
}
