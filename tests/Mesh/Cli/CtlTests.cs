using System.Text.Json.Nodes;
using Ambient.Cli.Lab;
using Ambient.Tests.Mesh.Rig;

namespace Ambient.Tests.Mesh.Cli;

/// <summary>ambientctl as a person runs it, against a lab or against this machine.</summary>
public sealed class CtlTests(ShopMesh mesh) : ShopMeshTest(mesh)
{
    [Fact]
    public async Task Check_captures_a_canary_really_and_leaves_nothing_behind()
    {
        Machine.Offers("ip", "nft", "unshare");
        var before = await TracesAsync();
        var result = await CtlAsync("check", "--json");

        var checks = JsonNode.Parse(result.Output)!["checks"]!.AsArray().ToDictionary(check => (string)check!["name"]!, check => (string)check!["outcome"]!);
        Assert.All((string[])["kernel", "nft", "libssl", "conntrack zones", "nft redirect", "nft counting sets", "rules", "routing by mark", "transparent sockets", "capture canary, IPv4 out", "capture canary, IPv4 in"],
            name => Assert.True(checks.GetValueOrDefault(name) == "ok", $"{name}\n{result.Output}"));
        if (Topology.KernelHasIpv6) Assert.All((string[])["capture canary, IPv6 out", "capture canary, IPv6 in"], name => Assert.Equal("ok", checks[name]));
        Assert.True(result.ExitCode == 0, result.Output);
        Assert.Equal(before, await TracesAsync());
    }

    [Fact]
    public async Task Check_says_what_a_machine_lacks_and_how_to_mend_it()
    {
        Machine.Offers("unshare");
        // A PATH and a file system without nft, for this one process.
        var result = await Tool.RunAsync(Command.Of("unshare", "--mount", "--", "sh", "-c",
            "for p in /usr/sbin/nft /sbin/nft /usr/bin/nft /bin/nft; do [ -e $p ] && mount --bind /dev/null $p; done; exec \"$0\" check", Programs.Cli));
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("FAILED   nft", result.Output, StringComparison.Ordinal);
        Assert.Contains("-> apt-get install -y", result.Output, StringComparison.Ordinal);
        Assert.Contains("This machine cannot run all of Ambient", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Check_runs_as_an_ordinary_user_in_a_user_namespace_of_its_own()
    {
        Machine.Offers("ip", "nft", "unshare", "setpriv");
        Assert.SkipUnless(Users.OfThisNamespace().NodeProxy is { } user, "There is only one user here.");
        var result = await Tool.RunAsync(Command.Of("setpriv", $"--reuid={Users.OfThisNamespace().NodeProxy}", $"--regid={Users.OfThisNamespace().NodeProxy}", "--clear-groups",
            "--inh-caps=-all", "--bounding-set=-all", "env", "HOME=/nonexistent", Programs.Cli, "check"));
        Assert.SkipWhen(result.Output.Contains("scratch namespaces", StringComparison.Ordinal), "This machine allows ordinary users no namespaces.");
        Assert.Contains("ok       capture canary, IPv4 out", result.Output, StringComparison.Ordinal);
        Assert.True(result.ExitCode == 0, result.Output + result.Error);
    }

    [Fact]
    public async Task Edges_joins_what_both_ends_of_a_connection_say()
    {
        var lab = await MeshAsync();
        var listener = Own(PodSocket.Listen("p23"));
        using (var client = await PodSocket.ConnectAsync("p11", lab.Plan.Service("jobs").V4, 80))
        using (var server = await listener.AcceptSoonAsync())
        {
            await client.SendAllAsync("ping"u8.ToArray());
            await server.ReceiveExactlyAsync(4);
        }
        await lab.UntilAsync("the edge is there", TimeSpan.FromSeconds(10), async () =>
        {
            var result = await CtlAsync("edges", "--json", "--socket", lab.Nodes[0].AdminSocket, "--socket", lab.Nodes[1].AdminSocket);
            Assert.True(result.ExitCode == 0, result.Error);
            var rows = JsonNode.Parse(result.Output)!["edges"]!.AsArray().Where(row => (string?)row!["source_workload"] == "web" && (string?)row["service"] == "guarded/jobs").ToList();
            return rows is [{ } row] && (string?)row["counted_by"] == "source" && (string?)row["protection"] == "mutual_tls" && (double)row["sent_bytes"]! >= 4 ? null : result.Output;
        });
        var table = await CtlAsync("edges", "--socket", lab.Nodes[0].AdminSocket, lab.Nodes[1].AdminSocket);
        Assert.Matches(@"(?m)^FROM +TO +SERVICE +WAY +PROTECTION +OPEN +TOTAL +SENT +RECEIVED$", table.Output);
        Assert.Matches(@"(?m)^shop/web +guarded/jobs +guarded/jobs +tunnel +mutual_tls ", table.Output);

        var half = await CtlAsync("edges", "--socket", lab.Nodes[0].AdminSocket, "/run/tmp/no.sock");
        Assert.Equal(1, half.ExitCode);
        Assert.Contains("/run/tmp/no.sock: there is no such socket", half.Error, StringComparison.Ordinal);
        Assert.Contains("mutual_tls", half.Output, StringComparison.Ordinal);
        Assert.Equal(2, (await CtlAsync("edges", "--socket", "/run/tmp/no.sock")).ExitCode);
    }

    [Fact]
    public async Task Edges_can_be_watched_until_it_is_told_to_end()
    {
        var lab = await MeshAsync();
        var log = new LabLog();
        var watching = LabProcess.Start("watch", Command.Of(Programs.Cli, "edges", "--watch", "--socket", lab.Nodes[0].AdminSocket), log);
        await lab.UntilAsync("it has shown the edges twice", TimeSpan.FromSeconds(20), () =>
            Task.FromResult(log.Tail(400).Split('\n').Count(line => line.Contains("FROM  ", StringComparison.Ordinal) || line.Contains("No connection yet.", StringComparison.Ordinal)) >= 2 ? null : log.Tail()));
        await watching.KillAsync();
    }

    [Fact]
    public async Task Identity_tells_whose_certificates_a_node_holds_and_no_key()
    {
        var lab = await MeshAsync();
        var result = await CtlAsync("identity", "--json", "--socket", lab.Nodes[0].AdminSocket);
        Assert.True(result.ExitCode == 0, result.Output + result.Error);
        var web = JsonNode.Parse(result.Output)!["identities"]!.AsArray().Single(one => (string?)one!["identity"] == "spiffe://cluster.local/ns/shop/sa/web")!;
        Assert.Equal(["shop/web-11"], web["pods"]!.AsArray().Select(pod => (string?)pod));
        var (begin, renewal, end) = (Time(web["not_before"]), Time(web["renews_at"]), Time(web["not_after"]));
        Assert.True(begin < renewal && renewal < end, $"{begin} {renewal} {end}");
        Assert.DoesNotContain("PRIVATE", result.Output, StringComparison.OrdinalIgnoreCase);

        var text = await CtlAsync("identity", "--socket", lab.Nodes[0].AdminSocket);
        Assert.Contains("spiffe://cluster.local/ns/guarded/sa/vault\n  pods:    guarded/vault-13\n  issuer:  ", text.Output, StringComparison.Ordinal);
        Assert.Contains("\nroot: ", text.Output, StringComparison.Ordinal);
        var nobody = await CtlAsync("identity", "--socket", "/run/tmp/no.sock");
        Assert.Equal(2, nobody.ExitCode);
        Assert.Contains("there is no such socket. Is ambient-node running", nobody.Error, StringComparison.Ordinal);
    }

    private static DateTimeOffset Time(JsonNode? node) => node!.GetValue<DateTimeOffset>();

    private static Task<ToolResult> CtlAsync(params string[] arguments) => Tool.RunAsync(Command.Of(Programs.Cli, arguments));

    /// <summary>What a check could have left here.</summary>
    private static async Task<string> TracesAsync() =>
        await Tool.MustAsync(Command.Of("sh", "-c", "ip -o link; ip rule; nft list ruleset; ls /run/netns; find /proc/[0-9]* -maxdepth 0 -exec readlink {}/ns/net ';' | sort -u | wc -l"));
}
