using System.CommandLine;
using Ambient.Cli.Lab;
using Command = System.CommandLine.Command;

namespace Ambient.Cli.Commands;

/// <summary><c>ambientctl policy check FILE...</c>: asks the controller's program, which has the reader, what it would make of the files.</summary>
internal static class PolicyCommands
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    public static Command Make()
    {
        var files = new Argument<string[]>("file") { Description = "Files of YAML, or folders of such files", Arity = ArgumentArity.OneOrMore };
        var json = new Option<bool>("--json") { Description = "For machines" };
        var check = new Command("check", "Whether AccessPolicies and all else in the files would be understood, with the line of what would not. Needs no mesh. "
            + "Exit status: 0 all is understood, 1 something is not, 2 a file is not there.") { files, json };
        check.SetAction(async (parsed, _) =>
        {
            try
            {
                string[] arguments = ["check", .. parsed.GetValue(json) ? ["--json"] : Array.Empty<string>(), "--", .. parsed.GetValue(files)!];
                var result = await Tool.RunAsync(Lab.Command.Of(Programs.Controller, arguments), atMost: Patience);
                Console.Write(result.Output);
                await Console.Error.WriteAsync(result.Error.Replace("ambient-controller:", "ambientctl:", StringComparison.Ordinal));
                return result.ExitCode;
            }
            catch (LabException fault)
            {
                await Console.Error.WriteLineAsync($"ambientctl: {fault.Message}");
                return CommandLine.BadUsage;
            }
        });
        return new Command("policy", "Who may call whom.") { check };
    }
}
