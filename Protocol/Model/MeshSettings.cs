using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;

namespace Ambient.Protocol.Model;

/// <summary>What holds for the whole mesh.</summary>
public sealed record MeshSettings : MeshResource
{
    /// <summary>What holds until a controller has spoken: no ranges, no direct way.</summary>
    public static MeshSettings Default { get; } = new();

    /// <summary>The trust domain of every identity.</summary>
    public string TrustDomain { get; init; } = "cluster.local";

    /// <summary>Where pods have their addresses.</summary>
    public ImmutableArray<IPNetwork> PodRanges { get; init; } = [];

    /// <summary>Where services have their addresses.</summary>
    public ImmutableArray<IPNetwork> ServiceRanges { get; init; } = [];

    /// <summary>Traffic within a node may stay in the process, unless a pod forbids it.</summary>
    public bool DirectAllowed { get; init; }

    /// <summary>Between nodes that can, tunnels dial the app's own port, so that NetworkPolicies and firewalls keep their meaning.</summary>
    public bool TunnelOnOriginalPort { get; init; }

    /// <summary>How long connections of a withdrawn pod may go on.</summary>
    public TimeSpan Drain { get; init; } = TimeSpan.FromSeconds(30);

    /// <inheritdoc/>
    public override string Key => ResourceKeys.Settings;

    /// <summary>
    /// The address lies in a range of the mesh: if the view does not know it, it is refused and never spoken to in the clear
    /// (design page, section 3). IPv4-mapped addresses count as IPv4.
    /// </summary>
    public bool Covers(IPAddress address) => IsIn(PodRanges, address) || IsIn(ServiceRanges, address);

    private static bool IsIn(ImmutableArray<IPNetwork> ranges, IPAddress address)
    {
        if (address.AddressFamily == AddressFamily.InterNetworkV6 && address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        foreach (IPNetwork range in ranges)
        {
            if (range.Contains(address))
                return true;
        }
        return false;
    }
}
