using System.Net;
using Ambient.Controller.Sources;
using Ambient.Protocol.Mesh.V1;
using Google.Protobuf;

namespace Ambient.Controller.Model;

/// <summary>The machines that the source names. A source without any is complete too: then nothing is known of places.</summary>
internal sealed class NodeMap
{
    private readonly Dictionary<string, NodeObject> _byName;

    /// <param name="nodes">With the addresses that nobody else has.</param>
    internal NodeMap(IEnumerable<NodeObject> nodes) => _byName = nodes.ToDictionary(n => n.Name);

    internal IEnumerable<Resource> Resources => _byName.Values.Select(node => new Resource
    {
        Key = $"node/{node.Name}",
        Node = new NodeResource
        {
            Name = node.Name,
            Addresses = { node.Addresses.Select(a => ByteString.CopyFrom(a.GetAddressBytes())) },
            Zone = node.Zone,
        },
    });

    /// <summary>The zone of a node; empty if the source does not tell.</summary>
    internal string ZoneOf(string node) => _byName.GetValueOrDefault(node)?.Zone ?? "";
}
