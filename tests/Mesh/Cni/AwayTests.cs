using System.Diagnostics;
using System.Text.Json.Nodes;
using Ambient.Tests.Mesh.Redirector;

namespace Ambient.Tests.Mesh.Cni;

/// <summary>The plugin where Redirector, or any order, is not there: enrolled pods fail, all others start, and nothing deadlocks.</summary>
public sealed class AwayTests
{
    [Fact]
    public void While_Redirector_is_away_pods_of_enrolled_namespaces_fail_and_all_others_start_at_once()
    {
        using var run = new RedirectorRun();
        using var net = new PodNet();
        run.LeaveAnOrderBehind();
        var plugin = new Plugin(run);
        Pod pod = net.Add(), other = net.Add();

#pragma warning disable CA1416 // this runs on Linux alone
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(plugin.EnrolledFile));
#pragma warning restore CA1416
        var failed = plugin.Add(pod);
        Assert.Equal((1, 101), (failed.ExitCode, failed.Code));
        Assert.Contains("ambient-redirector does not answer", failed.Message, StringComparison.Ordinal);
        Assert.False(pod.HasTable);
        Assert.Equal(0, plugin.Delete(pod).ExitCode);   // a pod that could not start can be cleared up
        Assert.Equal(101, plugin.Check(pod).Code);

        var clock = Stopwatch.StartNew();
        Assert.Equal(0, plugin.Add(other, @namespace: "unrelated").ExitCode);
        Assert.True(clock.ElapsedMilliseconds < 5_000, $"{clock.ElapsedMilliseconds} ms");

        // What the mesh itself needs to come up is not even looked up.
        File.WriteAllText(plugin.EnrolledFile, "garbage");
        Assert.Equal(0, plugin.Add(other, @namespace: "ambient-system").ExitCode);
        Assert.Equal(0, plugin.Add(other, @namespace: "kube-system").ExitCode);
        Assert.Equal(5, plugin.Add(other, @namespace: "unrelated").Code);   // nobody can know
    }

    [Fact]
    public async Task A_Redirector_that_comes_within_the_plugins_patience_captures_the_pod()
    {
        using var run = new RedirectorRun();
        using var net = new PodNet();
        run.LeaveAnOrderBehind();
        var pod = net.Add();
        var plugin = new Plugin(run);

        var adding = Task.Run(() => plugin.Add(pod));
        run.Start();

        Assert.Equal(0, (await adding).ExitCode);
        Assert.True(pod.HasTable);
    }

    [Fact]
    public void A_Redirector_that_cannot_take_its_last_order_up_is_no_weaker_than_none()
    {
        using var run = new RedirectorRun();
        using var net = new PodNet();
        run.LeaveAnOrderBehind();
        File.WriteAllText(Path.Combine(run.State, "order"), "damaged");
        run.Start();
        Pod pod = net.Add(), other = net.Add();
        var plugin = new Plugin(run);

        var refused = plugin.Add(pod);
        Assert.Equal((1, 100), (refused.ExitCode, refused.Code));
        Assert.Contains("no order in force", refused.Message, StringComparison.Ordinal);
        Assert.Equal(0, plugin.Add(other, @namespace: "unrelated").ExitCode);
        File.WriteAllText(plugin.EnrolledFile, "damaged too");
        Assert.Equal(1, plugin.Add(other, @namespace: "unrelated").ExitCode);
    }

    [Fact]
    public void Before_the_first_order_pods_start_and_are_captured_as_soon_as_one_names_them()
    {
        using var run = new RedirectorRun();
        using var net = new PodNet();
        Pod early = net.Add(), pod = net.Add();
        var plugin = new Plugin(run);
        Assert.Equal(0, plugin.Add(early).ExitCode);   // no Redirector, no list
        run.Start();
        using var node = run.Connect();
        node.Greet();
        Assert.Equal(0, plugin.Add(pod).ExitCode);     // a Redirector without an order
        Assert.False(pod.HasTable);

        node.Capture(pod, run.Order(pod.Ordered));

        Assert.True(pod.HasTable);
    }

    [Fact]
    public async Task Strict_boot_holds_a_pod_for_the_time_that_is_set_and_captures_it_if_the_order_comes_by_then()
    {
        using var run = new RedirectorRun();
        using var net = new PodNet();
        Pod unlucky = net.Add(), pod = net.Add();
        var plugin = new Plugin(run) { StrictBootSeconds = 1 };

        var clock = Stopwatch.StartNew();
        Assert.Equal(0, plugin.Add(unlucky).ExitCode);
        Assert.InRange(clock.Elapsed.TotalSeconds, 1, 10);

        run.Start();
        using var node = run.Connect();
        node.Greet();
        clock.Restart();
        Assert.Equal(0, plugin.Add(unlucky).ExitCode);
        Assert.InRange(clock.Elapsed.TotalSeconds, 1, 10);

        var adding = Task.Run(() => (plugin with { StrictBootSeconds = 60 }).Add(pod));
        Wire.Pause(300);   // it waits by now, or comes to an order that is there: both have to go well
        Assert.True(node.Pass(run.Sign(run.Enrolling("shop"))).Accepted);
        Assert.Equal(0, (await adding).ExitCode);
        Assert.True(pod.HasTable);
    }

    [Theory]
    [InlineData("ADD", "{", 6)]
    [InlineData("ADD", """{"cniVersion":"0.2.0","prevResult":{}}""", 1)]
    [InlineData("ADD", """{"cniVersion":"1.0.0"}""", 7)]
    [InlineData("RUN", "{}", 4)]
    public void What_is_wrong_is_told_by_the_specifications_codes(string command, string network, int code)
    {
        using var run = new RedirectorRun();
        var answer = Plugin.Call(command, "/run/netns/x", "c1", network, "");
        Assert.Equal((1, code), (answer.ExitCode, answer.Code));
    }

    [Theory]
    [InlineData("""{"cniVersion":"1.0.0"}""", "1.0.0")]
    [InlineData("""{"cniVersion":"0.3.1"}""", "0.3.1")]
    [InlineData("""{"cniVersion":"9.0.0"}""", "1.1.0")]
    [InlineData("", "1.1.0")]
    public void VERSION_lists_what_is_spoken_in_the_version_that_was_asked_in(string asked, string answered)
    {
        var version = JsonNode.Parse(Plugin.Call("VERSION", "", "", asked, "").Output)!;
        Assert.Equal(answered, (string?)version["cniVersion"]);
        Assert.Equal(["0.3.1", "0.4.0", "1.0.0", "1.1.0"], version["supportedVersions"]!.AsArray().Select(v => (string)v!));
    }

    [Fact]
    public void STATUS_says_yes_even_without_Redirector()
    {
        using var run = new RedirectorRun();
        // A no would keep every pod from this node, Redirector's successor among them.
        var status = Plugin.Call("STATUS", "", "", (new Plugin(run) with { Version = "1.1.0" }).Network(null), "");
        Assert.Equal((0, ""), (status.ExitCode, status.Output));
    }
}
