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
/// A further build of ours has two nodes more, n3 and n4 and so on, with pods of the same names.
/// </summary>
internal sealed class Ground : IAsyncDisposable
{
    /// <summary>Ports that servers listen on and that every peer forwards.</summary>
    public static readonly ImmutableArray<int> ServerPorts = [8080, 5201, 6379, 5432];

    private readonly ImmutableArray<NodeBuild> _builds;

    private Ground(Cli.Lab.Lab lab, string folder, ImmutableArray<NodeBuild> builds) => (Lab, Folder, _builds) = (lab, folder, builds);

    public Cli.Lab.Lab Lab { get; }

    /// <summary>For configurations, keys and results of this run.</summary>
    public string Folder { get; }

    public PodPlan Client => Lab.Plan.Pod("client-13");

    public PodPlan Beside => Lab.Plan.Pod("beside-14");

    public PodPlan Server => Lab.Plan.Pod("server-22");

    /// <summary>The address of a node on its pods' bridge, where a peer's proxy listens.</summary>
    public static IPAddress NodeAddress(int node) => IPAddress.Parse($"10.244.{node}.1");

    /// <param name="builds">What is measured of ours, the one that ships first.</param>
    public static async Task<Ground> MakeAsync(ImmutableArray<NodeBuild> builds)
    {
        var plan = new LabPlan
        {
            Nodes = 2 * builds.Length,
            Builds = Enumerable.Range(0, 2 * builds.Length).ToImmutableDictionary(i => i + 1, i => builds[i / 2]),
            Pods =
            [
                .. Enumerable.Range(0, builds.Length).SelectMany(i => PodsFrom((2 * i) + 1)),
                new PodPlan("plain", "client", 1, 3), new PodPlan("plain", "beside", 1, 4), new PodPlan("plain", "server", 2, 2),
            ],
            DrainSeconds = 2,
        };
        var lab = await Cli.Lab.Lab.StartAsync(plan);
        await lab.EnrolAsync("mesh");
        return new Ground(lab, Directory.CreateTempSubdirectory("ambient-rig-").FullName, builds);
    }

    /// <summary>The client's node of a build; the server's is the next.</summary>
    public int FirstNodeOf(NodeBuild build) => (2 * _builds.IndexOf(build)) + 1;

    public PodPlan Web(int firstNode) => Lab.Plan.Pod($"web-{firstNode}1");

    public PodPlan Near(int firstNode) => Lab.Plan.Pod($"near-{firstNode}2");

    public PodPlan Api(int firstNode) => Lab.Plan.Pod($"api-{firstNode + 1}1");

    public async ValueTask DisposeAsync()
    {
        await Lab.DisposeAsync();
        Directory.Delete(Folder, recursive: true);
    }

    private static IEnumerable<PodPlan> PodsFrom(int node) =>
        [new PodPlan("mesh", "web", node, 1), new PodPlan("mesh", "near", node, 2), new PodPlan("mesh", "api", node + 1, 1)];
}
