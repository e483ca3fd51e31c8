using Ambient.Cli.Lab;

namespace Ambient.Tests.Mesh.Rig;

/// <summary>The labs that the tests use.</summary>
internal static class Plans
{
    /// <summary>Where the tests' own servers listen, behind port 80 of their service.</summary>
    public const int AppPort = 8080;

    /// <summary>
    /// Two nodes with three pods each: a client and two servers on node 1, a server in two copies and a client on node 2. Node 1's
    /// <c>cache</c> is reached inside the process from there, through a tunnel from node 2. <c>guarded</c> has a NetworkPolicy.
    /// </summary>
    public static LabPlan Standard { get; } = new()
    {
        Nodes = 2,
        Pods =
        [
            new PodPlan("shop", "web", 1, 1), new PodPlan("shop", "cache", 1, 2), new PodPlan("guarded", "vault", 1, 3),
            new PodPlan("shop", "api", 2, 1), new PodPlan("shop", "api", 2, 2), new PodPlan("guarded", "jobs", 2, 3),
        ],
        Services =
        [
            new ServicePlan("shop", "cache", 80, AppPort, 1), new ServicePlan("shop", "api", 80, AppPort, 2),
            new ServicePlan("guarded", "vault", 80, AppPort, 3), new ServicePlan("guarded", "jobs", 80, AppPort, 4),
        ],
        NamespacesWithPolicy = ["guarded"],
        HasOutside = true,
        DrainSeconds = 5,
    };
}
