using System.Net;
using Ambient.Cli.Lab;

namespace Ambient.Tests.Mesh.Rig;

/// <summary>
/// A test with software that knows nothing of the mesh at both ends of it. The servers run in a pod of the other node (reached by tunnel)
/// and in one of the client's own node (reached directly), on <see cref="Plans.AppPort"/>; clients call port 80 of the pods' services.
/// </summary>
public abstract class SoftwareMeshTest(ShopMesh mesh) : ShopMeshTest(mesh)
{
    /// <summary>The network of the pod that clients run in.</summary>
    private protected const string ClientNetwork = "p11";

    private static readonly string[] ServerPods = ["jobs-23", "cache-12"];
    private readonly List<LabProcess> _servers = [];

    /// <summary>A folder of the test's own, which everybody may read.</summary>
    private protected string Folder { get; } = MakeFolder();

    /// <summary>Starts the same server in both pods, and returns when both answer.</summary>
    /// <param name="command">What to start in a pod.</param>
    /// <returns>Where clients reach them: by each service, over each family.</returns>
    private protected async Task<IReadOnlyList<IPAddress>> ServeAsync(Lab lab, string what, Func<PodPlan, Command> command)
    {
        var pods = ServerPods.Select(lab.Plan.Pod).ToList();
        await Task.WhenAll(pods.Select(pod => ServeAsync(lab, what, pod, command(pod))));
        return [.. pods.Select(pod => lab.Plan.Service(pod.Workload)).SelectMany(service => new[] { service.V4, service.V6 })];
    }

    /// <summary>Starts a server in a pod, and returns when it answers there.</summary>
    private protected async Task ServeAsync(Lab lab, string what, PodPlan pod, Command command)
    {
        var server = LabProcess.Start(what, command.Inside(pod.Network), lab.Log);
        _servers.Add(server);
        // Asked inside its own pod, where nothing of the mesh is in between.
        await lab.UntilAsync($"{what} answers in {pod.Name}", TimeSpan.FromSeconds(20), async () =>
        {
            if (server.Ended.IsCompleted) return $"it has ended with exit status {await server.Ended}";
            foreach (var loopback in (IPAddress[])[IPAddress.Loopback, IPAddress.IPv6Loopback])
            {
                using var _ = await PodSocket.ConnectAsync(pod.Network, loopback, Plans.AppPort);
            }
            return null;
        });
    }

    /// <summary>Runs a client in its pod, which has to succeed.</summary>
    /// <returns>What it wrote to its standard output.</returns>
    private protected static Task<string> RunAsync(string program, params string[] arguments) =>
        Tool.MustAsync(Command.Of(program, arguments).Inside(ClientNetwork), atMost: TimeSpan.FromMinutes(1));

    /// <summary>An address as it stands in a URL.</summary>
    private protected static string Host(IPAddress address) => address.ToString() is var text && text.Contains(':', StringComparison.Ordinal) ? $"[{text}]" : text;

    /// <inheritdoc/>
    private protected override async ValueTask EndAsync()
    {
        foreach (var server in _servers) await server.KillAsync();
        Directory.Delete(Folder, recursive: true);
    }

    private static string MakeFolder()
    {
        var folder = Directory.CreateTempSubdirectory("software-").FullName;
        Rights.Set(folder, "0755");
        return folder;
    }
}
