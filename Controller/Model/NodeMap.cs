using System.Collections.Immutable;
using System.Net;
using Ambient.Controller.Sources;
using Ambient.Protocol.Mesh.V1;
using Google.Protobuf;

namespace Ambient.Controller.Model;

/// <summary>The machines that the source names. A source without any is complete too: then nothing is known of places.</summary>
internal sealed class NodeMap
{
    private readonly ImmutableArray<(NodeObject Node, ImmutableArray<IPAddress> Addresses)> _nodes;
    private readonly Dictionary<string, NodeObject> _byName;

    /// <param name="nodes">With the addresses that nobody else has.</param>
    internal NodeMap(ImmutableArray<(NodeObject Node, ImmutableArray<IPAddress> Addresses)> nodes)
    {
        _nodes = nodes;
        _byName = nodes.ToDictionary(n => n.Node.Name, n => n.Node);
        Resources = [.. nodes.Select(n => ToResource(n.Node, n.Addresses))];
    }

    internal ImmutableArray<Resource> Resources { get; }

    /// <summary>The map of these nodes: this very one if they are the same.</summary>
    internal NodeMap Next(IEnumerable<(NodeObject Node, ImmutableArray<IPAddress> Addresses)> nodes)
    {
        ImmutableArray<(NodeObject Node, ImmutableArray<IPAddress> Addresses)> fresh = [.. nodes];
        return fresh.Length == _nodes.Length && fresh.Zip(_nodes).All(n => ReferenceEquals(n.First.Node, n.Second.Node) && n.First.Addresses == n.Second.Addresses)
            ? this
            : new NodeMap(fresh);
    }

    /// <summary>The zone of a node; empty if the source does not tell.</summary>
    internal string ZoneOf(string node) => _byName.GetValueOrDefault(node)?.Zone ?? "";

    private static Resource ToResource(NodeObject node, ImmutableArray<IPAddress> addresses) => new()
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
