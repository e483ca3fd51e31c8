using System.CommandLine;
using Ambient.Cli.Deploy;
using Command = System.CommandLine.Command;

namespace Ambient.Cli.Commands;

/// <summary><c>ambientctl install</c>.</summary>
internal static class InstallCommand
{
    public static Command Make()
    {
        var print = new Option<bool>("--print") { Description = "Write the manifest to standard output and touch nothing" };
        var command = new Command("install", "x") { print };
        command.SetAction(parsed =>
        {
            Console.Write(Chart.Whole(Chart.Defaults, ""));
            return 0;
        });
        return command;
    }
}
