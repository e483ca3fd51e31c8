using System.Collections.Immutable;
using System.Net;
using Ambient.Cli.Lab;

namespace Ambient.Bench.Rig.Peers;

/// <summary>
/// Where everything runs: nodes in network namespaces, joined by wires. One pair of pods is in our mesh; another, with the same wires,
/// belongs to the peers, whose proxies run in the nodes' namespaces.
/// <code>
///   web (n1) -> tunnel -> api (n2)            ours; `near` (n1) is api's twin on the client's node
///   web (n3) -> tunnel -> api (n4)            another build of ours, if one is compared; `near` (n3) likewise
///   client (n1) -> A in n1 -> B in n2 -> server (n2)     peers; `beside` (n1) is server's twin
/// </code>
/// </summary>
internal sealed class Ground : IAsyncDisposable
{
    /// <summary>Ports that servers listen on and that every peer forwards.</summary>
    public static readonly ImmutableArray<int> ServerPorts = [8080, 5201, 6379, 5432];

    private Ground(Cli.Lab.Lab lab, string folder, ImmutableArray<string> enrolled) => (Lab, Folder, Enrolled) = (lab, folder, enrolled);

    public Cli.Lab.Lab Lab { get; }

    /// <summary>For configurations, keys and results of this run.</summary>
    public string Folder { get; }

    /// <summary>Namespaces that are in the mesh.</summary>
    public ImmutableArray<string> Enrolled { get; }

    /// <summary>The program of another build, if one is compared: <c>AMBIENT_BENCH_NODE</c>.</summary>
    public static string? OtherNodeProxy => Environment.GetEnvironmentVariable("AMBIENT_BENCH_NODE") is { Length: > 0 } program ? program : null;

    /// <summary>The pod of that name.</summary>
    public PodPlan Pod(string name) => Lab.Plan.Pod(name);

    /// <summary>The address of a node on its pods' bridge, where a peer's proxy listens.</summary>
    public static IPAddress NodeAddress(int node) => IPAddress.Parse($"10.244.{node}.1");

    public static async Task<Ground> MakeAsync()
    {
        var pods = new List<PodPlan>
        {
            new("mesh", "web", 1, 1), new("mesh", "near", 1, 2), new("mesh", "api", 2, 1),
            new("plain", "client", 1, 3), new("plain", "beside", 1, 4), new("plain", "server", 2, 2),
        };
        if (OtherNodeProxy is not null) pods.AddRange([new("mesh", "web", 3, 1), new("mesh", "near", 3, 2), new("mesh", "api", 4, 1)]);
        return await MakeAsync(new LabPlan
        {
            Nodes = OtherNodeProxy is null ? 2 : 4,
            Pods = [.. pods],
            DrainSeconds = 2,
            NodeDrainSeconds = 1,
            NodeProxyPrograms = OtherNodeProxy is { } other ? ImmutableDictionary<int, string>.Empty.Add(3, other).Add(4, other) : ImmutableDictionary<int, string>.Empty,
        }, "mesh");
    }

    /// <summary>Builds a lab and enrols a namespace of it.</summary>
    public static async Task<Ground> MakeAsync(LabPlan plan, params string[] enrolled)
    {
        var lab = await Cli.Lab.Lab.StartAsync(plan);
        await lab.EnrolAsync(enrolled);
        return new Ground(lab, Directory.CreateTempSubdirectory("ambient-rig-").FullName, [.. enrolled]);
    }

    public async ValueTask DisposeAsync()
    {
        await Lab.DisposeAsync();
        Directory.Delete(Folder, recursive: true);
    }
}
