using Ambient.Cli.Lab;
using Ambient.Controller;
using Ambient.Tests.Kubernetes.Cluster;
using Ambient.Tests.Kubernetes.Replicas;

namespace Ambient.Tests.Kubernetes.Source;

/// <summary>What the controller's page of metrics says of how the API is followed.</summary>
public sealed class SourceMetricsTests
{
    [Fact]
    public async Task Objects_events_and_watches_are_told_by_kind()
    {
        // Of its own: in the shared one others make pods meanwhile.
        await using var own = await ApiServer.StartFakeAsync();
        await own.ApplyAsync(Manifest.Definition("accesspolicies"));
        var ns = await own.CreateNamespaceAsync("metrics");
        await own.ApplyAsync(Objects.Pod(ns, "web", "10.1.0.9"));
        await using var mesh = await MeshCluster.CreateAsync(own);
        var controller = await mesh.StartAsync(with: options => options with { Source = ControllerOptions.KubernetesSource });
        var before = TimeProvider.System.GetUtcNow();
        var (objects, events) = (await ReadAsync("objects", "pods"), await ReadAsync("events_total", "pods"));
        Assert.True(await Eventually.TrueAsync(async () => await ReadAsync("watches_total", "pods") >= 1), "no watch");
        Assert.True(await ReadAsync("objects", "customresourcedefinitions.apiextensions.k8s.io") >= 1);

        await own.ApplyAsync(Objects.Pod(ns, "other", "10.1.0.10"));
        Assert.True(await Eventually.TrueAsync(async () => await ReadAsync("objects", "pods") == objects + 1 && await ReadAsync("events_total", "pods") > events), "the other pod is not counted");
        Assert.True(await ReadAsync("last_heard_timestamp_seconds", "pods") >= before.ToUnixTimeSeconds());
        Assert.Equal(0, await ReadAsync("decode_faults_total", "pods"));

        Task<double> ReadAsync(string name, string kind) => SourceMetricsTests.ReadAsync(controller, name, kind);
    }

    [Fact]
    public async Task What_goes_wrong_with_a_kind_is_counted()
    {
        await using var own = await ApiServer.StartFakeAsync();
        var ns = await own.CreateNamespaceAsync("metrics");
        await using var mesh = await MeshCluster.CreateAsync(own);
        var controller = await mesh.StartAsync(with: options => options with { Source = ControllerOptions.KubernetesSource });
        Assert.True(await Eventually.TrueAsync(async () => await ReadAsync("watches_total") >= 1), "no watch");
        Assert.Equal((0, 0, 0), (await ReadAsync("relists_total"), await ReadAsync("failures_total"), await ReadAsync("decode_faults_total")));

        own.Fake!.Faults.ExpireWatches();
        Assert.True(await Eventually.TrueAsync(async () => await ReadAsync("relists_total") == 1 && await ReadAsync("watches_total") >= 2), "no relist");
        Assert.Equal(0, await ReadAsync("failures_total"));
        await own.ApplyAsync(Objects.Pod(ns, "web", "no address"));
        Assert.True(await Eventually.TrueAsync(async () => await ReadAsync("decode_faults_total") == 1), "no fault");
        own.Fake.Faults.CutWatches();
        Assert.True(await Eventually.TrueAsync(async () => await ReadAsync("failures_total") >= 1), "no failure");

        Task<double> ReadAsync(string name) => SourceMetricsTests.ReadAsync(controller, name, "pods");
    }

    /// <returns>NaN if there is no such sample.</returns>
    private static async Task<double> ReadAsync(ControllerHost controller, string name, string kind)
    {
        using var http = new HttpClient { BaseAddress = new Uri($"http://{controller.AdminEndPoint}") };
        var page = MetricsPage.Parse(await http.GetStringAsync("/metrics"));
        return page.Of($"ambient_controller_source_{name}").SingleOrDefault(sample => sample.Label("kind") == kind)?.Value ?? double.NaN;
    }
}
