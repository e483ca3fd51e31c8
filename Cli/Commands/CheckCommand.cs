using System.CommandLine;
using System.Text.Json;
using Ambient.Cli.Check;
using Command = System.CommandLine.Command;

namespace Ambient.Cli.Commands;

/// <summary><c>ambientctl check</c>: whether this machine can run the mesh.</summary>
internal static class CheckCommand
{
    public static Command Make()
    {
        var json = new Option<bool>("--json") { Description = "For machines" };
        var inside = new Option<bool>(MachineCheck.InnerOption) { Hidden = true };
        var command = new Command("check",
            "Whether this machine can run Ambient: kernel, nft, conntrack, namespaces, clock, limits, libssl; and a connection that is really captured, in scratch namespaces that leave nothing behind. "
            + "Each finding comes with its mend.\nExit status: 0 it can, 1 something stands against it, 2 wrong usage, or nothing does but not everything could be looked at.")
        {
            json, inside,
        };
        command.SetAction(async (parsed, _) =>
        {
            var isInside = parsed.GetValue(inside);
            var report = isInside ? MachineCheck.RunInside(await Console.In.ReadToEndAsync(), TimeProvider.System) : await MachineCheck.RunAsync(TimeProvider.System);
            Console.Write(isInside || parsed.GetValue(json) ? JsonSerializer.Serialize(report, CheckJson.Default.CheckReport) + "\n" : report.Text());
            return report.ExitStatus;
        });
        return command;
    }
}
