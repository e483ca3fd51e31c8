using System.Collections.Immutable;

namespace Ambient.NodeProxy.Discovery;

/// <summary>The ready endpoints of a service under one port name.</summary>
internal sealed record PortEndpoints(string Name, ReadyEndpointSet V4, ReadyEndpointSet V6)
{
    public ImmutableArray<ReadyEndpoint> ListAll()
    {
        var all = ImmutableArray.CreateBuilder<ReadyEndpoint>(V4.Count + V6.Count);
        for (int i = 0; i < V4.Count; i++)
            all.Add(V4[i]);
        for (int i = 0; i < V6.Count; i++)
            all.Add(V6[i]);
        return all.MoveToImmutable();
    }
}
