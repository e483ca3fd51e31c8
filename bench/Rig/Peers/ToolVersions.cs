using System.Text.Json.Nodes;
using Ambient.Cli.Lab;

namespace Ambient.Bench.Rig.Peers;

/// <summary>What the programs from elsewhere say they are: the peers with the TLS library that they run with, and the loads.</summary>
internal static class ToolVersions
{
    private static readonly string[] AboutTls = ["version", "OpenSSL", "OPTIONS", "TARGET", "configure arguments"];

    private static IEnumerable<(string Name, string Program, string Argument)> Asked =>
    [
        ("haproxy", "haproxy", "-vv"), ("haproxy-other", OtherPrograms.Haproxy ?? "", "-vv"), ("nginx", "nginx", "-V"), ("ztunnel", OtherPrograms.Ztunnel ?? "", "version"),
        ("wrk", "wrk", "-v"), ("h2load", "h2load", "--version"), ("iperf3", "iperf3", "--version"), ("redis-server", "redis-server", "--version"),
        ("redis-benchmark", "redis-benchmark", "--version"), ("pgbench", "pgbench", "--version"),
    ];

    /// <summary>By name; those that are not here are left out.</summary>
    public static async Task<JsonObject> ReadAsync()
    {
        var versions = new JsonObject();
        foreach (var (name, program, argument) in Asked)
        {
            if (program.Length == 0 || !(File.Exists(program) || ProgramSearch.IsInstalled(program))) continue;
            var said = await Tool.RunAsync(Command.Of(program, argument));
            // Some write it as an error, and wrk ends as if it were one. The first line is the version, wherever it is written.
            var lines = (said.Output + said.Error).Split('\n', StringSplitOptions.RemoveEmptyEntries);
            versions[name] = string.Join('\n', lines.Where((line, i) => i == 0 || AboutTls.Any(word => line.Contains(word, StringComparison.Ordinal))));
        }
        return versions;
    }
}
