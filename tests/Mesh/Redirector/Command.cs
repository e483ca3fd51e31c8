using System.Diagnostics;

namespace Ambient.Tests.Mesh.Redirector;

/// <summary>Runs a program to its end.</summary>
internal static class Command
{
    /// <summary>Fails the test when the program fails.</summary>
    public static string Run(string program, params string[] arguments) => TryRun(program, arguments) is (0, var output)
        ? output
        : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {TryRun(program, arguments).Output}");

    /// <summary>Its exit code and everything it wrote.</summary>
    public static (int ExitCode, string Output) TryRun(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output + error.Result);
    }
}
