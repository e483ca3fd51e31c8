using System.Collections.Immutable;
using System.Net;
using Ambient.Protocol.Redirector.V1;

namespace Ambient.Protocol.Model;

/// <summary>Reads the addresses that an order, or the runtime, gives a pod.</summary>
public static class OrderedAddresses
{
    /// <summary>Those that are addresses; what is none is passed over, and of no use to find the pod by.</summary>
    public static ImmutableArray<IPAddress> Of(CapturedPod pod)
    {
        var addresses = ImmutableArray.CreateBuilder<IPAddress>(pod.Addresses.Count);
        foreach (var bytes in pod.Addresses)
            if (WireAddresses.TryReadAddress(bytes, out var address))
                addresses.Add(address);
        return addresses.DrainToImmutable();
    }
}
