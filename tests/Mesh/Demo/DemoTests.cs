using System.Text.Json;
using Ambient.Cli.Lab;
using Ambient.Native.Processes;
using Ambient.Tests.Mesh.Rig;

namespace Ambient.Tests.Mesh.Demo;

/// <summary>The demo as a user starts it: what it shows, how it ends, and what it leaves behind, which is nothing.</summary>
public sealed class DemoTests
{
    [Fact]
    public async Task Without_a_terminal_it_ends_with_a_report_for_machines_and_says_by_its_status_that_all_was_carried()
    {
        Offers();
        var before = await Traces.NowAsync();
        var result = await DemoProgram.RunAsync("--for", "2s", "--json");

        Assert.Equal((0, 0), (result.ExitCode, result.ExitCode == 0 ? 0 : Fail(result)));
        var report = JsonDocument.Parse(result.Output).RootElement;
        Assert.True(report.GetProperty("ok").GetBoolean());
        Assert.All(report.GetProperty("flows").EnumerateArray(), flow =>
        {
            Assert.True(flow.GetProperty("connections").GetInt32() > 0);
            if (flow.GetProperty("enrolled").GetBoolean() && flow.GetProperty("cross_node").GetBoolean())
                Assert.All(flow.GetProperty("ways").EnumerateArray(), way => Assert.Equal("mutual_tls", way.GetProperty("protection").GetString()));
        });
        await before.AssertNothingIsNewAsync();
    }

    [Fact]
    public async Task At_a_terminal_every_key_does_what_it_says()
    {
        Offers("script", "tcpdump");
        var before = await Traces.NowAsync();
        await using (var demo = DemoProgram.StartAtTerminal())
        {
            await demo.SaysAsync("[q] quit");
            await demo.TypeAsync("k");
            await demo.SaysAsync("killed.");
            await demo.SaysAsync("refused: 0");
            await demo.TypeAsync("f");
            await demo.SaysAsync("rules flushed in");
            await demo.SaysAsync("bytes in the clear: 0");
            await demo.TypeAsync("c");
            await demo.SaysAsync("with payload of enrolled pods: 0");
            await demo.TypeAsync("x");
            await demo.SaysAsync("Pod [web-11]:");
            await demo.TypeAsync("api-21\n");
            await demo.SaysAsync("api-21$");
            await demo.TypeAsync("ip -brief -4 address show eth0 && echo said-in-a-pod\n");
            await demo.SaysAsync("10.244.2.11");
            await demo.SaysAsync("said-in-a-pod");
            await demo.SaysAsync("back to the table");
            await demo.TypeAsync("\n");
            await demo.SaysAsync("[q] quit");
            await demo.TypeAsync("q");
            var status = await demo.EndAsync();
            Assert.True(status == 0, demo.Output);
        }
        await before.AssertNothingIsNewAsync();
    }

    [Fact]
    public async Task Ctrl_C_at_a_terminal_ends_it_with_nothing_left()
    {
        Offers("script");
        var before = await Traces.NowAsync();
        await using (var demo = DemoProgram.StartAtTerminal())
        {
            await demo.SaysAsync("[q] quit");
            await demo.TypeAsync("\u0003");
            Assert.Equal(130, await demo.EndAsync());
        }
        await before.AssertNothingIsNewAsync();
    }

    [Theory]
    [InlineData("TERM", 143, "Starting 2 nodes")]    // while it starts
    [InlineData("TERM", 143, "Ready in")]
    [InlineData("KILL", 137, "Ready in")]
    public async Task A_signal_to_the_script_ends_all_of_it_with_nothing_left(string signal, int status, string when)
    {
        Offers();
        var before = await Traces.NowAsync();
        await using (var demo = DemoProgram.Start())
        {
            await demo.SaysAsync(when);
            demo.Signal(id => signal == "KILL" ? Signals.Kill(id) : Signals.Terminate(id));
            Assert.Equal(status, await demo.EndAsync());
            await before.AssertNothingIsNewAsync();
        }
    }

    // As on a new machine, where root has cloned it into its home: the mesh's own users may not even enter that.
    [Fact]
    public async Task It_runs_from_a_checkout_in_a_folder_that_nobody_else_may_enter()
    {
        Offers();
        var folder = Directory.CreateTempSubdirectory("closed-").FullName;
        try
        {
            var result = await Tool.RunAsync(Command.Of("unshare", "--mount", "sh", "-ec", $"""
                cd '{folder}'; chmod 700 .; mkdir ambient; mount --rbind '{Programs.Checkout}' ambient; cd ambient
                exec ./ambient.sh demo --for 2s --json
                """), atMost: TimeSpan.FromSeconds(60));
            Assert.Equal(0, result.ExitCode == 0 ? 0 : Fail(result));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task A_second_one_runs_beside_the_first()
    {
        Offers();
        var before = await Traces.NowAsync();
        var results = await Task.WhenAll(DemoProgram.RunAsync("--for", "2s", "--json"), DemoProgram.RunAsync("--for", "2s", "--json"));
        Assert.All(results, result => Assert.Equal(0, result.ExitCode == 0 ? 0 : Fail(result)));
        await before.AssertNothingIsNewAsync();
    }

    [Theory]
    [InlineData("--frob", 2, "'--frob'")]
    [InlineData("--for=never", 2, "10s or 2m")]
    [InlineData("--press=z", 2, "k, f and c")]
    [InlineData("--help", 0, "--json")]
    public async Task Wrong_usage_is_refused_with_what_to_do_and_help_helps(string argument, int status, string says)
    {
        Offers();
        var result = await DemoProgram.RunAsync(argument);
        Assert.Equal(status, result.ExitCode);
        Assert.Contains(says, result.Output + result.Error, StringComparison.Ordinal);
    }

    private static void Offers(params ReadOnlySpan<string> programs) =>
        Machine.Offers(["ip", "nft", "nsenter", "setpriv", "unshare", .. programs]);

    private static int Fail(ToolResult result)
    {
        Assert.Fail($"exit status {result.ExitCode}: {result.Error}{result.Output}");
        return 1;
    }
}
