using System.Net;
using Ambient.Cli.Lab;

namespace Ambient.Bench.Rig.Peers;

/// <summary>
/// Where everything runs: nodes in network namespaces, joined by wires. Some pods are in our mesh; a pair, with the same wires, belongs to
/// the peers, whose proxies run in the nodes' namespaces.
/// <code>
///   web (n1) -> tunnel -> api (n2)            ours; `near` (n1) is api's twin on the client's node
///   web (n3) -> tunnel -> api (n4)            another build of ours, if one is compared; `near` (n3) likewise
///   client (n1) -> A in n1 -> B in n2 -> server (n2)     peers; `beside` (n1) is server's twin
///   zclient (n1) -> tunnel -> zserver (n2)    ztunnel, which captures pods as ours does and so has its own; `zbeside` (n1) likewise
/// </code>
/// </summary>
internal sealed class Ground : IAsyncDisposable
{
    // From here on the kernel's table of neighbours, which all namespaces share, may be full.
    private const int ManyPods = 200;

    private Ground(Cli.Lab.Lab lab, string folder, string congestionControl) => (Lab, Folder, CongestionControl) = (lab, folder, congestionControl);

    public Cli.Lab.Lab Lab { get; }

    /// <summary>For configurations, keys and data of servers; gone after the run.</summary>
    public string Folder { get; }

    /// <summary>How TCP of everybody shares the network: the name of the kernel's algorithm.</summary>
    public string CongestionControl { get; }

    /// <summary>The address of a node on its pods' bridge, where a peer's proxy listens.</summary>
    public static IPAddress NodeAddress(int node) => IPAddress.Parse($"10.244.{node}.1");

    /// <summary>Builds a lab and brings its pods into the mesh.</summary>
    public static async Task<Ground> MakeAsync(LabPlan plan)
    {
        var lab = await Cli.Lab.Lab.StartAsync(plan);
        try
        {
            if (plan.Pods.Length > ManyPods) await GroundSettings.IntroduceAsync(plan);
            var congestionControl = await GroundSettings.SetCongestionControlAsync([.. Enumerable.Range(1, plan.Nodes).Select(Topology.NodeNetwork), .. plan.Pods.Select(pod => pod.Network)]);
            await lab.EnrolAsync(StagePlan.Enrolled);
            return new Ground(lab, Directory.CreateTempSubdirectory("ambient-rig-").FullName, congestionControl);
        }
        catch
        {
            await lab.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Lab.DisposeAsync();
        Directory.Delete(Folder, recursive: true);
    }
}
