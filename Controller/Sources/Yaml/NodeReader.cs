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
        // Host names are in the same list, and say nothing that a packet carries. The API server looks at none of the texts, and a node is to
        // keep its other addresses and its zone whatever one of them says.
        var texts = fields.Object("status").Objects("addresses").Where(a => a.Text("type") is "InternalIP" or "ExternalIP")
            .Select(a => a.Text("address")).Where(text => text.Length > 0)
            .ToLookup(text => Fields.TryReadAddress(text, out var address) ? address : null);
        return new NodeObject(metadata.Name("name", absent: null), [.. texts.Select(t => t.Key).OfType<IPAddress>()], metadata.Map("labels").GetValueOrDefault(ZoneLabel, ""), place)
        {
            NotAddresses = [.. texts[null].Distinct()],
        };
    }
}
