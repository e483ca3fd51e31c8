using System.Collections.Immutable;
using System.Net;
using Ambient.Protocol.Redirector.V1;
using Google.Protobuf;

namespace Ambient.Protocol.Model;

/// <summary>Reads the addresses that redirector.proto carries. What is no address is passed over.</summary>
public static class CaptureAddresses
{
    /// <summary>Those that an order, or the runtime, gives a pod. By what is none it cannot be found.</summary>
    public static ImmutableArray<IPAddress> Of(CapturedPod pod) => Read(pod.Addresses);

    /// <summary>Those of the machine itself.</summary>
    public static ImmutableArray<IPAddress> Of(MachineAddresses machine) => Read(machine.Addresses);

    /// <summary>Those of a pod's network namespace.</summary>
    public static ImmutableArray<IPAddress> Of(PodAddresses pod) => Read(pod.Addresses);

    /// <summary>The same, beside its listeners.</summary>
    public static ImmutableArray<IPAddress> Of(PodListeners pod) => Read(pod.Addresses);

    private static ImmutableArray<IPAddress> Read(IReadOnlyCollection<ByteString> wire)
    {
        var addresses = ImmutableArray.CreateBuilder<IPAddress>(wire.Count);
        foreach (var bytes in wire)
            if (WireAddresses.TryReadAddress(bytes, out var address))
                addresses.Add(address);
        return addresses.DrainToImmutable();
    }
}
