using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Ambient.Cli.Lab;
using Ambient.Tests.Mesh.Rig;

namespace Ambient.Tests.Mesh.Bench;

/// <summary><c>./ambient.sh bench --quick</c> as a user starts it. It measures nothing, so nothing here is a bound on time.</summary>
public sealed class BenchTests
{
    [Fact]
    public async Task A_quick_run_ends_with_a_ratio_for_each_figure_and_leaves_files_with_everybodys_configuration()
    {
        Machine.Offers("haproxy", "nginx", "wrk", "redis-server", "h2load", "iperf3");
        // Not in this run's own temporary folder: the bench makes namespaces again, with another /run in place of ours.
        var folder = Directory.CreateDirectory(Path.Combine("/tmp", $"ambient-bench-{Guid.NewGuid():n}")).FullName;
        try
        {
            var run = await Tool.RunAsync(Command.Of(Path.Combine(Programs.Checkout!, "ambient.sh"),
                "bench", "requests", "fixed-rate", "redis", "same-node", "--quick", "--results", folder, "--peers", "ambient", "direct", "haproxy"), atMost: TimeSpan.FromMinutes(6));

            Assert.True(run.ExitCode == 0, run.Output + run.Error);
            foreach (var name in (string[])["requests.cpu-32-vs-haproxy", "requests.cpu-256-vs-haproxy", "requests.rate-32-vs-direct", "fixed-rate.cpu-vs-haproxy", "fixed-rate.cpu-all-vs-direct", "redis.rate-vs-haproxy", "redis.rate-vs-direct", "same-node.bulk-cpu-vs-haproxy"])
                Assert.Matches(new Regex($@"^result {Regex.Escape(name)} \d+(\.\d+)?$", RegexOptions.Multiline), run.Output);
            Assert.StartsWith("result ", run.Output.TrimEnd().Split('\n')[^1], StringComparison.Ordinal);
            foreach (var scenario in (string[])["requests", "fixed-rate", "redis"])
            {
                Assert.Equal("svg", XDocument.Load(Path.Combine(folder, $"{scenario}.svg")).Root!.Name.LocalName);
                var file = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(folder, $"{scenario}.json")))!;
                var configurations = file["configurations"]!;
                Assert.Contains("ssl-min-ver TLSv1.3", (string)configurations["haproxy"]!, StringComparison.Ordinal);
                Assert.Contains("ambient-node --node n1", (string)configurations["ambient"]!, StringComparison.Ordinal);
                Assert.Contains("ambient-redirector --node n1", (string)configurations["ambient"]!, StringComparison.Ordinal);
                Assert.Matches(@"^HAProxy version \d[\s\S]*OpenSSL", (string)file["versions"]!["haproxy"]!);
                foreach (var (figure, peers) in file["figures"]!.AsObject().Select(f => (f.Key, f.Value!["peers"]!)))
                {
                    if (peers["ambient"]!["rounds"]!.AsArray().Select(round => (double)round!).ToList() is not { Count: > 0 } rounds) continue;
                    Assert.True(rounds.Min() == (double)peers["ambient"]!["min"]! && rounds.Max() == (double)peers["ambient"]!["max"]!, figure);
                    Assert.InRange((double)peers["ambient"]!["median"]!, rounds.Min(), rounds.Max());
                }
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

    [Fact]
    public async Task A_peer_that_does_not_exist_is_wrong_usage()
    {
        Machine.Offers();
        var run = await Tool.RunAsync(Command.Of(Path.Combine(Programs.Checkout!, "ambient.sh"), "bench", "start", "--peers", "ambient", "hapoxy"), atMost: TimeSpan.FromMinutes(1));

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("there is no peer hapoxy", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_peer_that_does_not_start_is_named_and_takes_no_other_scenario_with_it()
    {
        Machine.Offers("nginx", "wrk");
        var folder = Directory.CreateDirectory(Path.Combine("/tmp", $"ambient-bench-{Guid.NewGuid():n}")).FullName;
        try
        {
            // It ends at once. `start` has no peers but ours.
            var run = await Tool.RunAsync(Command.Of("env", "AMBIENT_BENCH_HAPROXY=/bin/true", Path.Combine(Programs.Checkout!, "ambient.sh"),
                "bench", "requests", "start", "--quick", "--results", folder, "--peers", "ambient", "haproxy-other"), atMost: TimeSpan.FromMinutes(6));

            Assert.True(run.ExitCode == 2, run.Output + run.Error);
            Assert.Contains("requests failed, and its figures are not whole", run.Error, StringComparison.Ordinal);
            Assert.Matches(new Regex(@"^result start\.first-byte-vs-bound \d+(\.\d+)?$", RegexOptions.Multiline), run.Output);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
