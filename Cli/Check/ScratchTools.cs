using System.Text;
using Ambient.Native.Processes;

namespace Ambient.Cli.Check;

/// <summary>The programs that scratch namespaces are furnished with. Run in the namespace of the calling thread, without a shell.</summary>
internal sealed class ScratchTools(TimeProvider time)
{
    private static readonly TimeSpan AtMost = TimeSpan.FromSeconds(10);

    /// <summary>nft(8); null where it is missing.</summary>
    public string? Nft { get; } = Find("nft");

    /// <summary>ip(8); null where it is missing.</summary>
    public string? Ip { get; } = Find("ip");

    /// <summary>Loads rules.</summary>
    /// <returns>Empty, or what nft says against it.</returns>
    public string Load(string rules) => Run(Nft!, ["-f", "-"], rules).Fault;

    /// <summary>Runs lines of <c>ip -batch</c>.</summary>
    /// <returns>Empty, or what ip says against it.</returns>
    public string Batch(params string[] lines) => Run(Ip!, ["-batch", "-"], string.Join('\n', lines) + "\n").Fault;

    /// <summary>Runs a program to its end.</summary>
    /// <returns>What it wrote; and empty, or why it failed, in one line.</returns>
    public (string Output, string Fault) Run(string program, IReadOnlyList<string> arguments, string input)
    {
        var result = ChildProcess.Run(program, arguments, Encoding.ASCII.GetBytes(input), AtMost, time);
        var said = string.Join(' ', (result.Error + result.Output).Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Take(3));
        return (result.Output, result.IsOk ? "" : result.IsTimedOut ? $"{program} took more than {AtMost.TotalSeconds:0} s" : $"{Path.GetFileName(program)}: {said}");
    }

    /// <summary>Where a program is.</summary>
    public static string? Find(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries).Concat(["/usr/sbin", "/sbin", "/usr/bin", "/bin"])
            .Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);
}
