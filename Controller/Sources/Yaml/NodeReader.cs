using System.Collections.Immutable;
using System.Net;

namespace Ambient.Controller.Sources.Yaml;

/// <summary>Reads a Node. Source: the core/v1 API, <c>NodeStatus.addresses</c>, and the well-known topology labels.</summary>
internal static class NodeReader
{
    private const string ZoneLabel = "topology.kubernetes.io/zone";

    internal static NodeObject Read(Fields fields, SourcePlace place)
    {
        var metadata = fields.Object("metadata");
        // Host names are in the same list, and say nothing that a packet carries.
        var addresses = fields.Object("status").Objects("addresses")
            .Where(a => a.Text("type") is "InternalIP" or "ExternalIP")
            .Select(a => a.Address("address")).OfType<IPAddress>().Distinct().ToImmutableArray();
        return new NodeObject(metadata.Name("name", absent: null), addresses, metadata.Map("labels").GetValueOrDefault(ZoneLabel, ""), place);
    }
}
