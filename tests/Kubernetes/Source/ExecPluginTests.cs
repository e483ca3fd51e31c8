using System.Net;
using Ambient.Controller.Kubernetes.Access;
using Ambient.Tests.Kubernetes.Cluster;
using k8s;
using k8s.Autorest;
using Microsoft.Extensions.Time.Testing;

namespace Ambient.Tests.Kubernetes.Source;

/// <summary>A program that the kubeconfig names says who the controller is (client.authentication.k8s.io/v1, ExecCredential).</summary>
public sealed class ExecPluginTests(ApiServer server) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string AskedPath => Path.Combine(_folder.Path, "asked");

    private int Asked => File.Exists(AskedPath) ? File.ReadAllLines(AskedPath).Length : 0;

    [Fact]
    public async Task Its_token_counts()
    {
        var ns = await server.CreateNamespaceAsync("exec");
        await server.AllowAsync(ns, "controller", "\"*\"");
        Says(await server.TokenAsync(ns, "controller"));
        await using var source = await FollowedSource.StartAsync(Plugin());
        await server.ApplyAsync(Objects.Pod(ns, "web", "10.5.2.1"));
        await source.UntilAsync(s => s.Pods(ns).Count == 1, "the pod");
    }

    [Fact]
    public async Task It_is_asked_again_when_its_token_no_longer_counts_and_not_for_every_refusal()
    {
        var ns = await server.CreateNamespaceAsync("exec");
        await server.AllowAsync(ns, "first", "\"*\"");
        await server.AllowAsync(ns, "second", "\"*\"");
        Says(await server.TokenAsync(ns, "first"));
        var time = new FakeTimeProvider();
        var connection = new ApiConnection(Plugin(), time);
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(connection));

        await server.DeleteAsync("v1", "ServiceAccount", ns, "first");
        // A real server believes a token for ten seconds after it looked at it.
        Assert.True(await Eventually.TrueAsync(async () => await StatusAsync(connection) == HttpStatusCode.Unauthorized), "the token counts without its account");
        Says(await server.TokenAsync(ns, "second"));
        time.Advance(ApiConnection.LookInterval - TimeSpan.FromMilliseconds(1));
        var before = Asked;
        for (var i = 0; i < 5; i++)
            Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(connection));
        Assert.Equal(before, Asked);

        time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(connection));
        Assert.True(Asked > before);
    }

    [Fact]
    public async Task A_refusal_of_a_call_by_the_library_is_one_too()
    {
        var ns = await server.CreateNamespaceAsync("exec");
        await server.AllowAsync(ns, "controller", "\"*\"");
        Says("of nobody");
        var time = new FakeTimeProvider();
        var connection = new ApiConnection(Plugin(), time);
        var refusal = await Assert.ThrowsAsync<HttpOperationException>(() => connection.Client.CoreV1.ListNamespacedPodAsync(ns));
        Assert.Equal(HttpStatusCode.Unauthorized, refusal.Response.StatusCode);
        Says(await server.TokenAsync(ns, "controller"));
        time.Advance(ApiConnection.LookInterval);
        Assert.Empty((await connection.Client.CoreV1.ListNamespacedPodAsync(ns)).Items);
    }

    [Fact]
    public async Task While_it_fails_to_renew_a_token_the_server_counts_as_away()
    {
        var ns = await server.CreateNamespaceAsync("exec");
        await server.AllowAsync(ns, "controller", "\"*\"");
        var token = await server.TokenAsync(ns, "controller");
        // Over already: each request asks for another.
        Says(token, ", \"expirationTimestamp\": \"2020-01-01T00:00:00Z\"");
        await using var line = server.OpenLine();
        await using var source = await FollowedSource.StartAsync(Plugin(line.KubeconfigPath));
        File.Delete(Path.Combine(_folder.Path, "credential"));
        line.Break();
        await source.UntilAsync(s => s.Log.Any(entry => entry.Contains("external exec failed")), "the program's failure");

        Says(token);
        await server.ApplyAsync(Objects.Pod(ns, "web", "10.5.2.2"));
        await source.UntilAsync(s => s.Pods(ns).Count == 1, "the pod");
    }

    public void Dispose() => _folder.Dispose();

    private string Plugin(string? kubeconfig = null) => _folder.Write("kubeconfig", Accounts.WithUser(kubeconfig ?? server.KubeconfigPath,
        $"exec: {{ apiVersion: client.authentication.k8s.io/v1, command: sh, args: [ {_folder.Write("plugin", $"echo again >> {AskedPath}; cat {_folder.Path}/credential 2>/dev/null")} ], interactiveMode: Never }}"));

    private void Says(string token, string more = "")
    {
        var beside = _folder.Write("credential.new",
            $$"""{ "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": { "token": "{{token}}"{{more}} } }""");
        File.Move(beside, Path.Combine(_folder.Path, "credential"), overwrite: true);
    }

    private static async Task<HttpStatusCode> StatusAsync(ApiConnection connection)
    {
        try
        {
            using var answer = await connection.SendAsync(HttpMethod.Get, "/api/v1/pods?limit=1", null, TestContext.Current.CancellationToken);
            return answer.StatusCode;
        }
        catch (ApiRefusal e)
        {
            return e.Status;
        }
    }
}
