using System.Diagnostics;
using Xunit;

namespace Ambient.Tests.Unit.Native.Sockets;

/// <summary>What the machine's C compiler says about sizes and offsets. Without a compiler the test is skipped.</summary>
internal static class CompiledLayout
{
    /// <summary>Compiles a program that prints each expression (<c>sizeof</c>, <c>offsetof</c>, a constant) and reads the numbers.</summary>
    public static IReadOnlyList<long> Evaluate(string headers, params string[] expressions)
    {
        string? compiler = new[] { "/usr/bin/gcc", "/usr/bin/cc", "/usr/local/bin/gcc" }.FirstOrDefault(File.Exists);
        Assert.SkipWhen(compiler is null, "There is no C compiler on this machine.");
        var folder = Directory.CreateTempSubdirectory("ambient-layout-");
        try
        {
            string source = Path.Combine(folder.FullName, "layout.c");
            string program = Path.Combine(folder.FullName, "layout");
            string includes = string.Concat(headers.Split(' ').Select(header => $"#include <{header}>\n"));
            string prints = string.Concat(expressions.Select(expression => $"printf(\"%lld\\n\", (long long)({expression}));\n"));
            File.WriteAllText(source, $"#define _GNU_SOURCE\n#include <stddef.h>\n#include <stdio.h>\n{includes}int main(void) {{\n{prints}return 0; }}\n");
            Run(compiler!, "-o", program, source);
            return [.. Run(program).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(long.Parse)];
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static string Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program} ended with {process.ExitCode}: {errors.Result}");
        return output;
    }
}
