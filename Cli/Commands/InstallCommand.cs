using System.CommandLine;
using System.Text.Json.Nodes;
using Ambient.Cli.Deploy;
using Command = System.CommandLine.Command;

namespace Ambient.Cli.Commands;

/// <summary><c>ambientctl install</c>: into a cluster, or an upgrade there.</summary>
internal static class InstallCommand
{
    public static Command Make()
    {
        var print = new Option<bool>("--print") { Description = "Write the manifest to standard output, and ask no cluster" };
        var dryRun = new Option<bool>("--dry-run") { Description = "Have the API server decide on every object, and keep none" };
        var set = new Option<string[]>("--set") { Description = "A value of the chart, like controller.replicas=3; deploy/helm/ambient/values.yaml has all", AllowMultipleArgumentsPerToken = false };
        var force = new Option<bool>("--force-conflicts") { Description = "Take over fields that somebody else has set otherwise" };
        var noWait = new Option<bool>("--no-wait") { Description = "Do not wait until everything runs" };
        var timeout = new Option<int>("--timeout") { Description = "How long to wait, in seconds (300)", DefaultValueFactory = _ => 300 };
        var cluster = new ClusterOptions();
        var command = new Command("install", "Puts the mesh into a cluster, or brings it there up to this version: server-side apply under the field manager ambientctl. "
            + "Exit status: 0 it runs, 1 something stands against it, 2 wrong usage or no cluster.") { print, dryRun, set, force, noWait, timeout };
        cluster.AddTo(command);
        command.SetAction((parsed, _) => ClusterOptions.RunAsync(async () =>
        {
            var values = (parsed.GetValue(set) ?? []).Aggregate(Chart.Defaults, (so, assignment) => so.With(assignment));
            if (parsed.GetValue(print))
            {
                Console.Write(Chart.Whole(values, ""));
                return 0;
            }
            IReadOnlyList<JsonObject> objects = [.. YamlTree.Read(Chart.Whole(values, "")).Cast<JsonObject>()];
            using var client = cluster.Open(parsed);
            var installer = new Installer(client, TimeProvider.System, Console.Out);
            if (parsed.GetValue(dryRun)) return await installer.TryAsync(objects, parsed.GetValue(force)) == 0 ? 0 : 1;
            await installer.ApplyAsync(objects, parsed.GetValue(force));
            if (!parsed.GetValue(noWait)) await installer.WaitAsync(objects, TimeSpan.FromSeconds(parsed.GetValue(timeout)));
            Console.WriteLine("Now:  kubectl label namespace NAME ambient.mesh/enroll=true       ambientctl check --cluster");
            return 0;
        }));
        return command;
    }
}
