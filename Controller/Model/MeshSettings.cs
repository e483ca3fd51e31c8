using System.Collections.Immutable;
using System.Net;
using Ambient.Protocol.Mesh.V1;
using Google.Protobuf;

namespace Ambient.Controller.Model;

/// <summary>What holds for the whole mesh.</summary>
/// <param name="DrainSeconds">How long connections of a withdrawn pod may go on.</param>
internal sealed record MeshSettings(string TrustDomain, ImmutableArray<IPNetwork> PodRanges, ImmutableArray<IPNetwork> ServiceRanges,
    ProtectionMode Mode, bool DirectAllowed, int DrainSeconds)
{
    internal const string Key = "settings";

    /// <summary>Between nodes that can, tunnels dial the app's own port.</summary>
    internal bool TunnelOnOriginalPort { get; init; }

    /// <summary>Which namespaces the pods of a namespace may call. Nodes are not told of it, but only of what their pods reach.</summary>
    internal Reach Reach { get; init; } = Reach.Everything;

    internal Resource ToResource() => new()
    {
        Key = Key,
        Settings = new SettingsResource
        {
            TrustDomain = TrustDomain,
            PodRanges = { PodRanges.Select(ToRange) },
            ServiceRanges = { ServiceRanges.Select(ToRange) },
            DirectAllowed = DirectAllowed,
            DrainSeconds = (uint)DrainSeconds,
            TunnelOnOriginalPort = TunnelOnOriginalPort,
        },
    };

    private static AddressRange ToRange(IPNetwork range) => new()
    {
        Address = ByteString.CopyFrom(range.BaseAddress.GetAddressBytes()),
        PrefixLength = (uint)range.PrefixLength,
    };
}
