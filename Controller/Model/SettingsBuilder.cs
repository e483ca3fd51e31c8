using System.Collections.Immutable;
using Ambient.Controller.Sources;
using Ambient.Protocol.Mesh.V1;

namespace Ambient.Controller.Model;

/// <summary>Makes what holds for the whole mesh out of its MeshConfig, and of what the source holds that nobody here understands.</summary>
internal static class SettingsBuilder
{
    private const int DefaultDrainSeconds = 30;

    /// <param name="configs">In the source's order: the first counts.</param>
    /// <param name="defaultTrustDomain">Used where no MeshConfig names one.</param>
    /// <param name="warnings">Takes what there is to say.</param>
    /// <param name="notes">What of it is about the object that counts: what it asks for and does not get.</param>
    internal static MeshSettings Build(IReadOnlyList<MeshConfigObject> configs, ImmutableArray<string> unknownKinds, string defaultTrustDomain, SortedSet<string> warnings,
        out ImmutableArray<string> notes)
    {
        foreach (var other in configs.Skip(1))
            warnings.Add($"{other} is ignored: {configs[0]} is the mesh's settings");
        var config = configs.Count > 0 ? configs[0] : null;

        // Traffic inside a node bypasses whatever such a policy would do to packets, and we cannot tell what that is.
        var unknownPolicies = unknownKinds.Where(k => k.EndsWith("NetworkPolicy", StringComparison.Ordinal)).ToList();
        var said = unknownPolicies.Select(kind => $"kind {kind} is a policy that is not understood: no traffic stays inside a node (direct is off)").ToList();
        warnings.UnionWith(said);
        if (config?.DirectAllowed == false)
            said.Clear();

        // An address that a node is not told of is refused if it lies inside the mesh's ranges. Outside of them it is somebody else's, and
        // is let through in the clear: what reach is to keep out would be what it lets pass.
        var reach = config?.Reach ?? [];
        if (!reach.IsEmpty && (config!.PodRanges.IsEmpty || config.ServiceRanges.IsEmpty))
        {
            const string Why = "spec.reach is ignored, and every node is told of everything: without podRanges and serviceRanges a node could not tell what it is not told of from what is outside the mesh";
            warnings.Add($"{config}: {Why}");
            said.Add(Why);
            reach = [];
        }
        notes = [.. said];

        return new MeshSettings(config?.TrustDomain ?? defaultTrustDomain, config?.PodRanges ?? [], config?.ServiceRanges ?? [],
            config?.IsStrict ?? false ? ProtectionMode.Strict : ProtectionMode.Permissive,
            (config?.DirectAllowed ?? true) && unknownPolicies.Count == 0, config?.DrainSeconds ?? DefaultDrainSeconds)
        {
            TunnelOnOriginalPort = config?.TunnelOnOriginalPort ?? false,
            Reach = reach.IsEmpty ? Reach.Everything : new Reach(reach),
        };
    }
}
