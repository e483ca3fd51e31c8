using System.Diagnostics;
using System.Reflection;

namespace Ambient.Tests.Unit.Repository;

/// <summary>
/// The source is formatted as .editorconfig says: asked of the SDK's own formatter, over the folder, which takes seconds where a whole
/// `dotnet format` takes minutes. What that would find besides (usings, namespaces, names) breaks the build: EnforceCodeStyleInBuild.
/// </summary>
public sealed class FormatTests
{
    private static readonly TimeSpan AtMost = TimeSpan.FromMinutes(3);

    [Fact]
    public async Task Nothing_is_left_for_the_formatter_to_do()
    {
        string root = Root(), dotnet = Path.Combine(Environment.GetEnvironmentVariable("DOTNET_ROOT") ?? "", "dotnet");
        Assert.SkipUnless(File.Exists(dotnet) && Directory.Exists(Path.Combine(Path.GetDirectoryName(dotnet)!, "sdk")), "DOTNET_ROOT names no SDK: use ./ambient.sh test unit");
        var start = new ProcessStartInfo(dotnet) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in (string[])["format", "whitespace", root, "--folder", "--verify-no-changes"]) start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        using var timer = new CancellationTokenSource(AtMost);
        await process.WaitForExitAsync(timer.Token);
        Assert.True(process.ExitCode == 0, $"Put it right with: dotnet format whitespace . --folder\n{await error}{await output}");
    }

    private static string Root()
    {
        var folder = new DirectoryInfo(Path.GetDirectoryName(Assembly.GetExecutingAssembly().Location)!);
        while (!File.Exists(Path.Combine(folder.FullName, "ambient.sln"))) folder = folder.Parent ?? throw new InvalidOperationException("not in a checkout");
        return folder.FullName;
    }
}
