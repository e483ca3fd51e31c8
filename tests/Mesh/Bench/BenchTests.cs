using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Ambient.Cli.Lab;
using Ambient.Tests.Mesh.Rig;

namespace Ambient.Tests.Mesh.Bench;

/// <summary><c>./ambient.sh bench --quick</c> as a user starts it. It measures nothing, so nothing here is a bound on time.</summary>
public sealed class BenchTests
{
    [Fact]
    public async Task A_quick_run_ends_with_a_ratio_for_each_figure_and_leaves_files_with_everybodys_configuration()
    {
        Machine.Offers("haproxy", "nginx", "wrk", "redis-server");
        // Not in this run's own temporary folder: the bench makes namespaces again, with another /run in place of ours.
        var folder = Directory.CreateDirectory(Path.Combine("/tmp", $"ambient-bench-{Guid.NewGuid():n}")).FullName;
        try
        {
            var run = await Tool.RunAsync(Command.Of(Path.Combine(Programs.Checkout!, "ambient.sh"),
                "bench", "requests", "redis", "--quick", "--results", folder, "--peers", "ambient", "direct", "haproxy"), atMost: TimeSpan.FromMinutes(2));

            Assert.True(run.ExitCode == 0, run.Output + run.Error);
            foreach (var name in (string[])["requests.cpu-32-vs-haproxy", "requests.cpu-256-vs-haproxy", "requests.rate-32-vs-direct", "redis.rate-vs-haproxy", "redis.rate-vs-direct"])
                Assert.Matches(new Regex($@"^result {Regex.Escape(name)} \d+(\.\d+)?$", RegexOptions.Multiline), run.Output);
            foreach (var scenario in (string[])["requests", "redis"])
            {
                Assert.True(File.Exists(Path.Combine(folder, $"{scenario}.svg")));
                var configurations = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(folder, $"{scenario}.json")))!["configurations"]!;
                Assert.Contains("ssl-min-ver TLSv1.3", (string)configurations["haproxy"]!, StringComparison.Ordinal);
                Assert.Contains("ambient-node --node n1", (string)configurations["ambient"]!, StringComparison.Ordinal);
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task A_scenario_that_does_not_exist_is_wrong_usage()
    {
        Machine.Offers();
        var run = await Tool.RunAsync(Command.Of(Path.Combine(Programs.Checkout!, "ambient.sh"), "bench", "nonsense"), atMost: TimeSpan.FromMinutes(1));

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("there is no scenario nonsense", run.Error, StringComparison.Ordinal);
    }
}
