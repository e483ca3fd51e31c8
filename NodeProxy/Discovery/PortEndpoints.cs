using System.Collections.Immutable;

namespace Ambient.NodeProxy.Discovery;

/// <summary>The ready endpoints of a service under one port name.</summary>
internal sealed record PortEndpoints(string Name, PlacedEndpoints V4, PlacedEndpoints V6)
{
    public ImmutableArray<ReadyEndpoint> ListAll()
    {
        var all = ImmutableArray.CreateBuilder<ReadyEndpoint>(V4.All.Count + V6.All.Count);
        for (int i = 0; i < V4.All.Count; i++)
            all.Add(V4.All[i]);
        for (int i = 0; i < V6.All.Count; i++)
            all.Add(V6.All[i]);
        return all.MoveToImmutable();
    }
}
