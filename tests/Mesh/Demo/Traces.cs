using System.Collections.Immutable;
using Ambient.Cli.Lab;

namespace Ambient.Tests.Mesh.Demo;

/// <summary>What a program could leave behind: processes, network links, rules, and files where programs put them.</summary>
internal sealed record Traces(ImmutableSortedSet<string> All)
{
    /// <summary>What is there now.</summary>
    public static async Task<Traces> NowAsync() => new(
    [
        .. Directory.GetDirectories("/proc").Select(Path.GetFileName).Where(name => char.IsAsciiDigit(name![0])).Select(id => $"process {id}"),
        .. (await Tool.MustAsync(Command.Of("ip", "-o", "link"))).Split('\n').Where(line => line.Length > 0).Select(line => $"link {line.Split(':')[1].Trim()}"),
        .. (await Tool.MustAsync(Command.Of("nft", "list", "tables"))).Split('\n'),
        .. new[] { "/run", Path.GetTempPath(), Path.Combine(Programs.Checkout!, ".build") }.Where(Directory.Exists).SelectMany(Files),
        // The machine's own folder, where others write as well.
        .. Directory.EnumerateFileSystemEntries("/tmp", "ambient*"),
    ]);

    /// <summary>Waits until there is nothing that was not there before.</summary>
    public async Task AssertNothingIsNewAsync()
    {
        // The kernel takes a moment to end namespaces with all that is in them; the tools just run here are processes too.
        await Waiting.UntilAsync("nothing is left behind", TimeSpan.FromSeconds(15), new LabLog(), async () =>
        {
            var left = (await NowAsync()).All.Except(All).Where(IsStill).ToList();
            return left.Count == 0 ? null : string.Join(", ", left);
        });
    }

    private static bool IsStill(string trace) => !trace.StartsWith("process ", StringComparison.Ordinal) || Directory.Exists($"/proc/{trace[8..]}");

    // The test program's own diagnostics and what the SDK's tools keep there are not the demo's.
    private static IEnumerable<string> Files(string folder) =>
        Directory.EnumerateFileSystemEntries(folder).Where(path => Path.GetFileName(path) is var name
            && !name.StartsWith("dotnet-diagnostic", StringComparison.Ordinal) && !name.StartsWith("clr-debug-pipe", StringComparison.Ordinal));
}
