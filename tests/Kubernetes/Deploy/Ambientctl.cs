using System.Diagnostics;

namespace Ambient.Tests.Kubernetes.Deploy;

/// <summary>The program that people run.</summary>
internal static class Ambientctl
{
    /// <summary>Runs it to its end.</summary>
    /// <returns>Its exit status, and what it wrote: first to standard output, then to standard error.</returns>
    internal static async Task<(int Status, string Said)> RunAsync(params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "ambientctl"), arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        return (process.ExitCode, await output + await error);
    }
}
