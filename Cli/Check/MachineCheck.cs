using System.Text.Json;
using Ambient.Cli.Lab;
using Ambient.Native.Descriptors;
using Ambient.Native.Namespaces;
using Ambient.Native.Processes;

namespace Ambient.Cli.Check;

/// <summary>
/// All checks of this machine. What needs namespaces is done by another process of this program, which unshare(1) starts inside its own:
/// for an ordinary user in a user namespace too. With its end the kernel removes all that it made.
/// </summary>
internal static class MachineCheck
{
    /// <summary>The option by which this program is told that it is that other process.</summary>
    public const string InnerOption = "--inside-scratch-namespaces";

    private const string ScratchName = "scratch namespaces", ScratchMend = "Run it as root (in a container: with CAP_SYS_ADMIN), or allow user namespaces.";

    private static readonly TimeSpan AtMost = TimeSpan.FromSeconds(60);

    /// <summary>Looks at everything.</summary>
    public static async Task<CheckReport> RunAsync(TimeProvider time)
    {
        var host = new HostChecks(HostChecks.ReadFile);
        return new CheckReport(
        [
            host.Kernel(), Nft(new ScratchTools(time)), host.UserNamespaces(Environment.IsPrivilegedProcess), host.Ipv6(),
            await HostChecks.ClockAsync(time, ClockDiscipline.IsSynchronized(), moment => Task.Delay(moment, time)),
            host.Descriptors(), host.Pipes(), TlsCheck.Run(time), .. await InScratchAsync(),
        ]);
    }

    /// <summary>What the other process does: everything that needs namespaces.</summary>
    /// <param name="rules">Of a pod, as Redirector writes them.</param>
    public static CheckReport RunInside(string rules, TimeProvider time)
    {
        CheckReport? report = null;
        // A thread of its own: it enters namespaces.
        var thread = new Thread(() => report = Inside(rules, time));
        thread.Start();
        thread.Join();
        return report!;
    }

    private static CheckReport Inside(string rules, TimeProvider time)
    {
        try
        {
            using var entry = new NamespaceEntry();
            return new CheckReport([.. new ScratchChecks(entry, new ScratchTools(time), rules).Run()]);
        }
        catch (SystemCallException fault)
        {
            return new CheckReport([CheckResult.CannotTell(ScratchName, fault.Message, ScratchMend)]);
        }
    }

    private static CheckResult Nft(ScratchTools tools)
    {
        if (tools.Nft is not { } nft) return CheckResult.Fail("nft", "nft is missing", "apt-get install -y nftables");
        var (output, fault) = tools.Run(nft, ["--version"], "");
        return fault.Length == 0 ? CheckResult.Ok("nft", $"{output.Trim()}, {nft}") : CheckResult.Fail("nft", fault, "apt-get install -y --reinstall nftables");
    }

    private static async Task<IReadOnlyList<CheckResult>> InScratchAsync()
    {
        if (ScratchTools.Find("unshare") is not { } unshare) return [CheckResult.CannotTell(ScratchName, "unshare is missing", "apt-get install -y util-linux")];
        try
        {
            var rules = await Tool.MustAsync(Command.Of(Programs.Redirector, "rules"));
            string[] user = Environment.IsPrivilegedProcess ? [] : ["--user", "--map-root-user"];
            var result = await Tool.RunAsync(Command.Of(unshare, [.. user, "--net", "--mount", "--", Programs.Cli, "check", InnerOption]), rules, AtMost);
            if (result.Output.StartsWith('{')) return JsonSerializer.Deserialize(result.Output, CheckJson.Default.CheckReport)!.Checks;
            var said = string.Join(' ', result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries).Take(2));
            return [CheckResult.CannotTell(ScratchName, $"this machine gives {Environment.UserName} none ({said})", ScratchMend)];
        }
        catch (LabException fault)
        {
            return [CheckResult.CannotTell(ScratchName, fault.Message, "./ambient.sh build, or install ambient-redirector beside ambientctl.")];
        }
    }
}
