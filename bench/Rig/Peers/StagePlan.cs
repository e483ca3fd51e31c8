using System.Collections.Immutable;
using Ambient.Cli.Lab;

namespace Ambient.Bench.Rig.Peers;

/// <summary>The lab of each stage. Where another build of ours is compared, nodes 3 and 4 are to it what 1 and 2 are to ours.</summary>
internal static class StagePlan
{
    /// <summary>The namespace that is in the mesh.</summary>
    public const string Enrolled = "mesh";

    /// <summary>Pairs of pods that share an identity at each end.</summary>
    public const int PairsAnIdentity = 4;

    /// <summary>Pairs of <see cref="Stage.Dense"/>: 25,000 of 250,000 connections each, where Linux has 28,232 ports for one address.</summary>
    public const int DensePairs = 10;

    // The peers' own pods have slots behind all others.
    private const int PeersSlot = 900;

    public static LabPlan Of(Stage stage, RigOptions options, string? other)
    {
        var firstNodes = other is null ? new[] { 1 } : [1, 3];
        return new LabPlan
        {
            Nodes = 2 * firstNodes.Length,
            Pods = [.. firstNodes.SelectMany(node => Mesh(stage, options, node)), .. Peers(stage)],
            DrainSeconds = 2,
            NodeDrainSeconds = 1,
            NodeProxyPrograms = other is null ? ImmutableDictionary<int, string>.Empty : ImmutableDictionary<int, string>.Empty.Add(3, other).Add(4, other),
        };
    }

    /// <summary>Pods of the mesh that talk to each other, the client first.</summary>
    public static IReadOnlyList<(PodPlan Client, PodPlan Server)> PairsOf(LabPlan plan, Stage stage, int firstNode)
    {
        var enrolled = plan.Pods.Where(pod => pod.Namespace == Enrolled).ToList();
        var clients = enrolled.Where(pod => pod.Node == firstNode && pod.Workload.StartsWith("web", StringComparison.Ordinal));
        var servers = stage == Stage.OneNode
            ? enrolled.Where(pod => pod.Node == firstNode && pod.Workload == "near")
            : enrolled.Where(pod => pod.Node == firstNode + 1);
        return [.. clients.Zip(servers)];
    }

    /// <summary>The pods between which the peers' proxies stand.</summary>
    public static (PodPlan Client, PodPlan Server) PeersOf(LabPlan plan, Stage stage) =>
        (plan.Pods.Single(pod => pod.Workload == "client"), plan.Pods.Single(pod => pod.Workload == (stage == Stage.OneNode ? "beside" : "server")));

    /// <summary>The pods that a ztunnel captures.</summary>
    public static (PodPlan Client, PodPlan Server) ZtunnelsOf(LabPlan plan, Stage stage) =>
        (plan.Pods.Single(pod => pod.Workload == "zclient"), plan.Pods.Single(pod => pod.Workload == (stage == Stage.OneNode ? "zbeside" : "zserver")));

    private static IEnumerable<PodPlan> Mesh(Stage stage, RigOptions options, int node) => stage switch
    {
        Stage.TwoNodes or Stage.OneNode => [new(Enrolled, "web", node, 1), new(Enrolled, "near", node, 2), new(Enrolled, "api", node + 1, 1)],
        Stage.Pairs => Enumerable.Range(0, options.Pairs).SelectMany(i =>
            new PodPlan[] { new(Enrolled, $"web{i / PairsAnIdentity}", node, i + 1), new(Enrolled, $"api{i / PairsAnIdentity}", node + 1, i + 1) }),
        Stage.Dense => Enumerable.Range(0, DensePairs).SelectMany(i => new PodPlan[] { new(Enrolled, "web", node, i + 1), new(Enrolled, "api", node + 1, i + 1) }),
        Stage.Rest => [new(Enrolled, "web", node, 1), new(Enrolled, "api", node + 1, 1), .. Enumerable.Range(2, options.RestingPods - 1).Select(slot => new PodPlan(Enrolled, $"app{slot}", node, slot))],
        _ => throw new ArgumentOutOfRangeException(nameof(stage)),
    };

    private static IEnumerable<PodPlan> Peers(Stage stage) => stage is Stage.Dense or Stage.Rest
        ? []
        :
        [
            new("plain", "client", 1, PeersSlot), new("plain", "beside", 1, PeersSlot + 1), new("plain", "server", 2, PeersSlot),
            .. OtherPrograms.Ztunnel is null || stage == Stage.Pairs ? Array.Empty<PodPlan>()
                : [new("plain", "zclient", 1, PeersSlot + 2), new("plain", "zbeside", 1, PeersSlot + 3), new("plain", "zserver", 2, PeersSlot + 2)],
        ];
}
