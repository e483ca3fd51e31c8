using System.CommandLine;
using System.Text.Json;
using Ambient.Cli.Check;
using Ambient.Cli.Check.Cluster;
using Command = System.CommandLine.Command;

namespace Ambient.Cli.Commands;

/// <summary><c>ambientctl check</c>: whether this machine can run the mesh; with --cluster, whether a cluster can, and how far it does.</summary>
internal static class CheckCommand
{
    public static Command Make()
    {
        var json = new Option<bool>("--json") { Description = "For machines" };
        var inside = new Option<bool>(MachineCheck.InnerOption) { Hidden = true };
        var ofCluster = new Option<bool>("--cluster") { Description = "Of the cluster of the kubeconfig instead of this machine; --kubeconfig and --context say so too" };
        var controller = new Option<Uri?>("--controller") { Description = "With --cluster: the controller's pages, where the API server cannot reach them, like http://127.0.0.1:15011" };
        var cluster = new ClusterOptions();
        var command = new Command("check",
            "Whether this machine can run Ambient: kernel, nft, conntrack, namespaces, clock, limits, libssl; and a connection that is really captured, in scratch namespaces that leave nothing behind. "
            + "With --cluster, before and after an installation: versions, kernels, clocks, the CNI and its settings, webhooks, kinds, what runs, and every node's readiness. "
            + "Each finding comes with its mend.\nExit status: 0 it can, 1 something stands against it, 2 wrong usage, or nothing does but not everything could be looked at.")
        {
            json, ofCluster, controller, inside,
        };
        cluster.AddTo(command);
        command.SetAction(async (parsed, _) =>
        {
            if (parsed.GetValue(ofCluster) || cluster.AreGiven(parsed))
            {
                return await ClusterOptions.RunAsync(async () =>
                {
                    using var client = cluster.Open(parsed);
                    var found = await ClusterCheck.RunAsync(client, parsed.GetValue(controller), TimeProvider.System);
                    Console.Write(parsed.GetValue(json) ? JsonSerializer.Serialize(found, CheckJson.Default.CheckReport) + "\n" : found.Text(ClusterCheck.Verdicts));
                    return found.ExitStatus;
                });
            }
            var isInside = parsed.GetValue(inside);
            var report = isInside ? MachineCheck.RunInside(await Console.In.ReadToEndAsync(), TimeProvider.System) : await MachineCheck.RunAsync(TimeProvider.System);
            Console.Write(isInside || parsed.GetValue(json) ? JsonSerializer.Serialize(report, CheckJson.Default.CheckReport) + "\n" : report.Text(Verdicts.Machine));
            return report.ExitStatus;
        });
        return command;
    }
}
