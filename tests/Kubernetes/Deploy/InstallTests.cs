using System.Text.Json.Nodes;
using Ambient.Cli.Check;
using Ambient.Cli.Cluster;
using Ambient.Cli.Deploy;
using Ambient.Tests.Kubernetes.Cluster;

namespace Ambient.Tests.Kubernetes.Deploy;

/// <summary><c>ambientctl install</c> and <c>check --cluster</c>.</summary>
public sealed class InstallTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Everything_is_applied_and_waited_for_and_a_second_time_changes_nothing()
    {
        await using var cluster = await OwnCluster.StartAsync();
        await cluster.InstallAsync();
        foreach (var item in OwnCluster.Objects)
        {
            var found = await cluster.Client.GetAsync(await cluster.Client.PathAsync(item));
            Assert.Contains(found["metadata"]!["managedFields"]!.AsArray(), f => (string?)f!["manager"] == "ambientctl" && (string?)f["operation"] == "Apply");
        }
        var unready = await Assert.ThrowsAsync<DeployException>(() => cluster.Installer.WaitAsync(OwnCluster.Objects, TimeSpan.Zero));
        Assert.Contains("DaemonSet ambient-node", unready.Message, StringComparison.Ordinal);

        var waiting = cluster.Installer.WaitAsync(OwnCluster.Objects, Patience);
        await cluster.PlayControllersAsync();
        await waiting;

        var before = await cluster.SpecsAsync();
        await cluster.InstallAsync();
        Assert.Equal(before, await cluster.SpecsAsync());
    }

    [Fact]
    public async Task What_somebody_else_has_set_is_not_overwritten_unless_it_is_asked_for()
    {
        await using var cluster = await OwnCluster.StartAsync();
        await cluster.InstallAsync();
        await cluster.Server.ApplyAsync("""
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: ambient-controller, namespace: ambient-system}
            spec: {replicas: 5}
            """);
        var refused = await Assert.ThrowsAsync<DeployException>(cluster.InstallAsync);
        Assert.Contains("ambient-tests", refused.Message, StringComparison.Ordinal);
        Assert.Contains("--force-conflicts", refused.Message, StringComparison.Ordinal);
        await cluster.Installer.ApplyAsync(OwnCluster.Objects, isForced: true);
        Assert.Equal(2, (int)(await cluster.Client.GetAsync("/apis/apps/v1/namespaces/ambient-system/deployments/ambient-controller"))["spec"]!["replicas"]!);
    }

    [Fact]
    public async Task A_check_names_what_is_missing_and_is_content_when_nothing_is()
    {
        await using var cluster = await OwnCluster.StartAsync();
        Assert.Contains((await cluster.CheckAsync()).Checks, c => c.Name == "installation" && c.Outcome == CheckOutcome.Ok);
        await cluster.InstallAsync();
        var early = await cluster.CheckAsync();
        Assert.Equal(1, early.ExitStatus);
        Assert.Contains(early.Checks, c => c.Name == "workloads" && c.Outcome == CheckOutcome.Failed);
        Assert.Contains(early.Checks, c => c.Name == "node n1" && c.Detail.Contains("never been connected", StringComparison.Ordinal));
        Assert.Contains(early.Checks, c => c.Name == "settings" && c.Mend.Contains("10.244.1.0/24", StringComparison.Ordinal));

        await cluster.PlayControllersAsync();
        await cluster.Server.ApplyAsync("""
            apiVersion: ambient.mesh/v1alpha1
            kind: MeshConfig
            metadata: {name: mesh}
            spec: {podRanges: [10.244.0.0/16], serviceRanges: [10.96.0.0/12]}
            """);
        await cluster.ReportAsync(phase: "Captured");
        var late = await cluster.CheckAsync();
        Assert.DoesNotContain(late.Checks, c => c.Outcome == CheckOutcome.Failed);
        Assert.Contains(late.Checks, c => c.Name == "node readiness" && c.Outcome == CheckOutcome.Ok);
        // No pod runs here: nobody to ask for the pages, and it says so.
        Assert.Contains(late.Checks, c => c.Name == "controller's pages" && c.Outcome == CheckOutcome.Unknown && c.Mend.Contains("port-forward", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_program_prints_tries_installs_and_checks_and_its_exit_status_says_how_it_went()
    {
        await using var cluster = await OwnCluster.StartAsync();
        string[] here = ["--kubeconfig", cluster.Server.KubeconfigPath];

        var printed = await Ambientctl.RunAsync("install", "--print");
        Assert.Equal(ManifestTests.Objects("daemonset.yaml").Select(o => o.ToJsonString()), YamlTree.Read(printed.Said).Select(o => o!.ToJsonString()));

        var tried = await Ambientctl.RunAsync(["install", "--dry-run", .. here]);
        Assert.True(tried.Status == 0, tried.Said);
        Assert.Null(await cluster.Client.FindAsync("/api/v1/namespaces/ambient-system"));

        var installed = await Ambientctl.RunAsync(["install", "--no-wait", .. here]);
        Assert.True(installed.Status == 0, installed.Said);
        Assert.Equal((0, OwnCluster.Objects.Count), await TriedAgainAsync());

        // Nothing starts a pod here.
        var waited = await Ambientctl.RunAsync(["install", "--timeout", "1", .. here]);
        Assert.Equal((1, true), (waited.Status, waited.Said.Contains("DaemonSet ambient-redirector", StringComparison.Ordinal)));
        var checkedEarly = await Ambientctl.RunAsync(["check", "--cluster", .. here]);
        Assert.Equal((1, true), (checkedEarly.Status, checkedEarly.Said.Contains("never been connected", StringComparison.Ordinal)));
        await cluster.PlayControllersAsync();
        var ready = await Ambientctl.RunAsync(["install", "--timeout", "30", .. here]);
        Assert.True(ready.Status == 0, ready.Said);

        async Task<(int, int)> TriedAgainAsync()
        {
            var (status, said) = await Ambientctl.RunAsync(["install", "--dry-run", .. here]);
            return (status, said.Split('\n').Count(line => line.EndsWith("would be applied", StringComparison.Ordinal)));
        }
    }

    // What a cluster does not know is seen before anything is changed there.
    [Fact]
    public async Task Into_a_cluster_that_lacks_a_kind_of_the_manifest_nothing_is_installed()
    {
        await using var cluster = await OwnCluster.StartAsync();
        IReadOnlyList<JsonObject> objects = [.. OwnCluster.Objects, new JsonObject { ["apiVersion"] = "example.com/v1", ["kind"] = "Unheard", ["metadata"] = new JsonObject { ["name"] = "of" } }];

        var refused = await Assert.ThrowsAsync<ClusterException>(() => cluster.Installer.ApplyAsync(objects, isForced: false));

        Assert.Contains("does not know example.com/v1 Unheard", refused.Message, StringComparison.Ordinal);
        Assert.Null(await cluster.Client.FindAsync("/api/v1/namespaces/ambient-system"));
    }
}
