using System.Collections.Immutable;
using System.Net;
using Ambient.Cli.Lab;

namespace Ambient.Bench.Rig.Peers;

/// <summary>
/// Where everything runs: two nodes in network namespaces, joined by a wire. One pair of pods is in our mesh; another, with the same wires,
/// belongs to the peers, whose proxies run in the nodes' namespaces.
/// <code>
///   web (n1) -> tunnel -> api (n2)            ours; `near` (n1) is api's twin on the client's node
///   client (n1) -> A in n1 -> B in n2 -> server (n2)     peers; `beside` (n1) is server's twin
/// </code>
/// </summary>
internal sealed class Ground : IAsyncDisposable
{
    /// <summary>Ports that servers listen on and that every peer forwards.</summary>
    public static readonly ImmutableArray<int> ServerPorts = [8080, 5201, 6379, 5432];

    private Ground(Cli.Lab.Lab lab, string folder) => (Lab, Folder) = (lab, folder);

    public Cli.Lab.Lab Lab { get; }

    /// <summary>For configurations, keys and results of this run.</summary>
    public string Folder { get; }

    public PodPlan Web => Lab.Plan.Pod("web-11");

    public PodPlan Near => Lab.Plan.Pod("near-12");

    public PodPlan Api => Lab.Plan.Pod("api-21");

    public PodPlan Client => Lab.Plan.Pod("client-13");

    public PodPlan Beside => Lab.Plan.Pod("beside-14");

    public PodPlan Server => Lab.Plan.Pod("server-22");

    /// <summary>The address of a node on its pods' bridge, where a peer's proxy listens.</summary>
    public static IPAddress NodeAddress(int node) => IPAddress.Parse($"10.244.{node}.1");

    public static async Task<Ground> MakeAsync()
    {
        var plan = new LabPlan
        {
            Nodes = 2,
            Pods =
            [
                new PodPlan("mesh", "web", 1, 1), new PodPlan("mesh", "near", 1, 2), new PodPlan("mesh", "api", 2, 1),
                new PodPlan("plain", "client", 1, 3), new PodPlan("plain", "beside", 1, 4), new PodPlan("plain", "server", 2, 2),
            ],
            DrainSeconds = 2,
        };
        var lab = await Cli.Lab.Lab.StartAsync(plan);
        await lab.EnrolAsync("mesh");
        return new Ground(lab, Directory.CreateTempSubdirectory("ambient-rig-").FullName);
    }

    public async ValueTask DisposeAsync()
    {
        await Lab.DisposeAsync();
        Directory.Delete(Folder, recursive: true);
    }
}
