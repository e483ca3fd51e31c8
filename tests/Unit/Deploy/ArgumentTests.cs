using System.Diagnostics;
using Ambient.Cli.Lab;

namespace Ambient.Tests.Unit.Deploy;

/// <summary>The manifest and the programs know the same options.</summary>
public sealed class ArgumentTests
{
    public static TheoryData<string> Containers => [.. Checkout.Containers().Select(c => c.Name)];

    [Theory]
    [MemberData(nameof(Containers))]
    public async Task Every_option_in_the_manifest_is_one_of_the_program(string name)
    {
        var container = Checkout.Containers().Single(c => c.Name == name).Container;
        string[] command = Checkout.Texts(container["command"]);
        var program = Path.GetFileName(command[0]);
        var project = program switch { "ambient-controller" => "Controller", "ambient-node" => "NodeProxy", "ambient-redirector" => "Redirector", "ambient-cni" => "Cni", _ => "" };
        Assert.SkipUnless(Directory.Exists(Path.Combine(Checkout.Root, project)), $"{program} is not in this checkout yet");

        // The environment of a container gives options too: AMBIENT_NODE is --node.
        var given = Checkout.Texts(container["args"]).Select(argument => argument.Split('=')[0])
            .Concat(container["env"]!.AsArray().Select(e => (string)e!["name"]!).Where(e => e.StartsWith("AMBIENT_", StringComparison.Ordinal) && program != "ambientctl")
                .Where(e => e is not ("AMBIENT_NAMESPACE" or "AMBIENT_REPLICA" or "AMBIENT_ADMIN_SOCKET")).Select(e => "--" + e["AMBIENT_".Length..].ToLowerInvariant().Replace('_', '-')));
        var help = await HelpAsync(Programs.Find(project, program), [.. command[1..], "--help"]);
        Assert.All(given, option => Assert.True(help.Contains(option + " ", StringComparison.Ordinal) || help.Contains(option + "\n", StringComparison.Ordinal), $"{program} has no option {option}"));
    }

    private static async Task<string> HelpAsync(string program, string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        return await output + await error;
    }
}
