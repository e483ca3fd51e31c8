using System.CommandLine;
using System.Text.Json.Nodes;
using Ambient.Cli.Deploy;
using Command = System.CommandLine.Command;

namespace Ambient.Cli.Commands;

/// <summary><c>ambientctl uninstall</c>.</summary>
internal static class UninstallCommand
{
    public static Command Make()
    {
        var definitions = new Option<bool>("--crds") { Description = "Remove the kinds too, and with them every AccessPolicy and MeshConfig there is" };
        var keys = new Option<bool>("--keys") { Description = "Remove the namespace ambient-system too, and with it the root key" };
        var force = new Option<bool>("--force") { Description = "Go on although pods are still captured or a node has not answered" };
        var timeout = new Option<int>("--timeout") { Description = "How long pods may take to be let go, and nodes to let go of the plugin, in seconds (120)", DefaultValueFactory = _ => 120 };
        var cluster = new ClusterOptions();
        var command = new Command("uninstall", "Takes the mesh out of a cluster: pods leave it and drain, then the CNI plugin goes, then the rest. "
            + "Exit status: 0 it is gone, 1 something stands against it, 2 wrong usage or no cluster.") { definitions, keys, force, timeout };
        cluster.AddTo(command);
        command.SetAction((parsed, _) => ClusterOptions.RunAsync(async () =>
        {
            using var client = cluster.Open(parsed);
            var atMost = TimeSpan.FromSeconds(parsed.GetValue(timeout));
            var uninstaller = new Uninstaller(client, TimeProvider.System, Console.Out);
            await uninstaller.WithdrawAsync();
            await uninstaller.AwaitReleaseAsync(atMost, parsed.GetValue(force));
            if (await uninstaller.RemovePluginAsync(atMost) is { Count: > 0 } failed)
            {
                var text = $"the CNI plugin could not be taken out of these nodes:\n  {string.Join("\n  ", failed)}";
                if (!parsed.GetValue(force)) throw new DeployException($"{text}\nRun ambient-cni uninstall there. --force goes on without them.");
                Console.WriteLine(text);
            }
            // Objects that values leave out are gone or were never there.
            IReadOnlyList<JsonObject> objects = [.. YamlTree.Read(Chart.Whole(Chart.Defaults, "")).Cast<JsonObject>()];
            await uninstaller.DeleteAsync(objects, parsed.GetValue(definitions), parsed.GetValue(keys));
            return 0;
        }));
        return command;
    }
}
