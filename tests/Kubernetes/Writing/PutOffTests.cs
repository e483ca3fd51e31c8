using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Text.Json.Nodes;
using Ambient.Controller.Kubernetes.Access;
using Ambient.Controller.Kubernetes.Writing;
using Ambient.Controller.Replicas;
using Ambient.Tests.Kubernetes.Cluster;

namespace Ambient.Tests.Kubernetes.Writing;

/// <summary>Single calls that the API server puts off (429, 503 with Retry-After), as it does when it is overloaded.</summary>
public sealed class PutOffTests
{
    private static readonly string[] Ways = ["ours", "the library's"];

    [Theory]
    [InlineData("ours", 429)]
    [InlineData("ours", 503)]
    [InlineData("the library's", 429)]
    [InlineData("the library's", 503)]
    public async Task A_call_is_made_again_when_the_server_asked_for_it_and_not_before(string way, int code)
    {
        await using var own = await ApiServer.StartFakeAsync();
        var (ns, calls, clock) = (await own.CreateNamespaceAsync("put-off"), new ConcurrentQueue<TimeSpan>(), Stopwatch.StartNew());
        own.Fake!.Faults.RetryAfterSeconds = 1;
        own.Fake.Faults.Intercept = (_, plural, _) =>
        {
            if (plural != "configmaps")
                return null;
            calls.Enqueue(clock.Elapsed);
            return calls.Count <= 1 ? (code, "TooManyRequests") : null;
        };
        await MakeAsync(own, way, ns);

        var pause = calls.Last() - calls.First();
        TestContext.Current.TestOutputHelper?.WriteLine($"asked again after {pause.TotalSeconds:0.00} s (asked for 1 s; up to half more, checked at ten times that)");
        Assert.Equal(2, calls.Count);
        Assert.InRange(pause.TotalSeconds, 1, 15);
    }

    [Theory]
    [InlineData("ours")]
    [InlineData("the library's")]
    public async Task A_server_that_goes_on_putting_off_is_left_alone_after_a_few_calls(string way)
    {
        await using var own = await ApiServer.StartFakeAsync();
        var (ns, calls) = (await own.CreateNamespaceAsync("put-off"), 0);
        own.Fake!.Faults.RetryAfterSeconds = 1;
        own.Fake.Faults.Intercept = (_, plural, _) => plural == "configmaps" && Interlocked.Increment(ref calls) > 0 ? (429, "TooManyRequests") : null;
        Assert.Equal(HttpStatusCode.TooManyRequests, await RefusalAsync(own, way, ns));
        Assert.Equal(AskedPause.Calls, calls);
    }

    [Theory]
    [InlineData("ours", 429, 3600)]
    [InlineData("the library's", 429, 3600)]
    [InlineData("ours", 429, null)]
    [InlineData("the library's", 429, null)]
    [InlineData("ours", 500, 1)]
    [InlineData("the library's", 500, 1)]
    public async Task What_would_be_long_and_what_nobody_asked_for_is_a_refusal_at_once(string way, int code, int? retryAfter)
    {
        await using var own = await ApiServer.StartFakeAsync();
        var (ns, calls) = (await own.CreateNamespaceAsync("put-off"), 0);
        own.Fake!.Faults.RetryAfterSeconds = retryAfter;
        own.Fake.Faults.Intercept = (_, plural, _) => plural == "configmaps" && Interlocked.Increment(ref calls) > 0 ? (code, "InternalError") : null;
        Assert.Equal((HttpStatusCode)code, await RefusalAsync(own, way, ns));
        Assert.Equal(1, calls);
    }

    [Fact]
    public async Task A_call_for_the_Lease_is_made_once_since_its_holder_has_a_time_of_its_own_to_keep()
    {
        await using var own = await ApiServer.StartFakeAsync();
        var (ns, calls) = (await own.CreateNamespaceAsync("put-off"), 0);
        own.Fake!.Faults.RetryAfterSeconds = 1;
        own.Fake.Faults.Intercept = (_, plural, _) => plural == "leases" && Interlocked.Increment(ref calls) > 0 ? (429, "TooManyRequests") : null;
        var lease = new KubernetesLease(() => own.Admin, ns, "ambient-controller");
        await Assert.ThrowsAsync<ClusterException>(() => lease.ReadAsync(default));
        await Assert.ThrowsAsync<ClusterException>(() => lease.TryWriteAsync(new LeaseRecord("replica-1", 10, 0, null, null, null), default));
        Assert.Equal(2, calls);
    }

    private static async Task<HttpStatusCode?> RefusalAsync(ApiServer server, string way, string ns)
    {
        Assert.Contains(way, Ways);
        var refused = await Record.ExceptionAsync(() => MakeAsync(server, way, ns));
        return way == "ours" ? Assert.IsType<ApiRefusal>(refused).Status : Assert.IsType<ClusterException>(refused).Status;
    }

    private static Task MakeAsync(ApiServer server, string way, string ns)
    {
        var connection = new ApiConnection(server.KubeconfigPath, TimeProvider.System);
        var map = new k8s.Models.V1ConfigMap { Metadata = new k8s.Models.V1ObjectMeta { Name = "made" } };
        return way == "ours"
            ? new ApiWriter(connection).CreateAsync($"/api/v1/namespaces/{ns}/configmaps", new JsonObject { ["apiVersion"] = "v1", ["kind"] = "ConfigMap", ["metadata"] = new JsonObject { ["name"] = "made" } }, default)
            : ClusterCall.Async("make it", token => k8s.CoreV1OperationsExtensions.CreateNamespacedConfigMapAsync(connection.Client.CoreV1, map, ns, cancellationToken: token), default);
    }
}
