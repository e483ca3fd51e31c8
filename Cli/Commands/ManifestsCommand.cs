using System.CommandLine;
using Ambient.Cli.Deploy;
using Ambient.Cli.Lab;
using Command = System.CommandLine.Command;

namespace Ambient.Cli.Commands;

/// <summary><c>ambientctl manifests</c>: writes a checkout's manifests anew, for who works on the chart.</summary>
internal static class ManifestsCommand
{
    public static Command Make()
    {
        var command = new Command("manifests", "Writes daemonset.yaml and what lies below deploy/ anew of the chart; only in a checkout.") { Hidden = true };
        command.SetAction(parsed =>
        {
            if (Programs.Checkout is not { } root)
            {
                Console.Error.WriteLine("ambientctl: this is no checkout. Try ambientctl install --print.");
                return CommandLine.BadUsage;
            }
            foreach (var file in ManifestFiles.Write(root)) Console.WriteLine(file);
            return 0;
        });
        return command;
    }
}
