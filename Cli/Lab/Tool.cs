using System.ComponentModel;
using System.Diagnostics;

namespace Ambient.Cli.Lab;

/// <summary>How a short-lived program ended.</summary>
internal sealed record ToolResult(int ExitCode, string Output, string Error);

/// <summary>Runs programs that end by themselves.</summary>
internal static class Tool
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Runs a program to its end.</summary>
    /// <param name="input">What it reads from its standard input.</param>
    /// <exception cref="LabException">It could not be started, or took longer than <paramref name="atMost"/> (half a minute unless told) and was killed.</exception>
    public static async Task<ToolResult> RunAsync(Command command, string input = "", TimeSpan? atMost = null)
    {
        using var process = LabProcess.Launch(command, withInput: true);
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        try
        {
            await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended without reading; its exit status tells why.
        }
        using var timer = new CancellationTokenSource(atMost ?? Patience);
        try
        {
            await process.WaitForExitAsync(timer.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new LabException($"'{command}' took longer than {(atMost ?? Patience).TotalSeconds:0} s.");
        }
        return new ToolResult(process.ExitCode, await output, await error);
    }

    /// <summary>Runs a program that has to succeed.</summary>
    /// <returns>What it wrote to its standard output.</returns>
    /// <exception cref="LabException">It did not; the message has what it said.</exception>
    public static async Task<string> MustAsync(Command command, string input = "", TimeSpan? atMost = null)
    {
        var result = await RunAsync(command, input, atMost);
        return result.ExitCode == 0
            ? result.Output
            : throw new LabException($"'{command}' ended with exit status {result.ExitCode}: {(result.Error + result.Output).Trim()}");
    }
}
