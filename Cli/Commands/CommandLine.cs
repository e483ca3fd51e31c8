using System.CommandLine;

namespace Ambient.Cli.Commands;

/// <summary>The verbs of ambientctl.</summary>
internal static class CommandLine
{
    /// <summary>Wrong usage, or nobody to ask.</summary>
    public const int BadUsage = 2;

    /// <summary>Runs what the arguments say.</summary>
    /// <returns>The exit status.</returns>
    public static async Task<int> RunAsync(string[] arguments)
    {
        var root = new RootCommand("ambientctl: shows and asks an Ambient mesh. Exit status: 0 all is well, 1 something is not, 2 wrong usage or nobody to ask.");
        root.Subcommands.Add(DemoCommand.Make());
        root.Subcommands.Add(AskCommands.Status());
        root.Subcommands.Add(AskCommands.Config());
        root.Subcommands.Add(EdgesCommand.Make());
        root.Subcommands.Add(IdentityCommand.Make());
        root.Subcommands.Add(CheckCommand.Make());
        root.Subcommands.Add(PolicyCommands.Make());
        root.Subcommands.Add(InstallCommand.Make());
        root.Subcommands.Add(UninstallCommand.Make());
        root.Subcommands.Add(ManifestsCommand.Make());
        root.Subcommands.Add(AppCommand.Make());
        var parsed = root.Parse(arguments);
        // Errors and help go through the library; only the status for wrong usage is ours.
        var status = await parsed.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });
        return parsed.Errors.Count > 0 ? BadUsage : status;
    }
}
