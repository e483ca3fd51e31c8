using System.Buffers.Text;
using System.Text;
using Ambient.Controller;
using Ambient.Controller.Authority;
using Ambient.Protocol.Discovery.V1;
using Ambient.Tests.Kubernetes.Cluster;
using Grpc.Core;

namespace Ambient.Tests.Kubernetes.Replicas;

/// <summary>Whom the controller takes for which node.</summary>
public sealed class NodeTokenTests(ApiServer server)
{
    [Fact]
    public async Task A_node_joins_with_the_token_that_is_projected_into_its_pod_and_may_speak_for_no_other_node()
    {
        await using var mesh = await MeshCluster.CreateAsync(server);
        var controller = await mesh.StartAsync();
        var token = await mesh.TokenAsync("node-a");
        await using (var node = await mesh.ConnectAsync(controller, "node-a", token))
            Assert.NotEmpty(node.Welcome.Epoch);

        var (code, detail) = await RefusalAsync(mesh, controller, "node-b", token);
        Assert.Equal((StatusCode.PermissionDenied, true), (code, detail.Contains("the token is for node node-a")));
    }

    [Fact]
    public async Task A_token_for_another_audience_another_account_or_no_pod_is_refused_with_the_reason()
    {
        await using var mesh = await MeshCluster.CreateAsync(server);
        var controller = await mesh.StartAsync();
        var pod = await mesh.PlaceNodePodAsync("node-a");
        var stranger = await mesh.PlaceNodePodAsync("node-a", "somebody");
        var (account, audience) = (TokenReviewDesk.Account, TokenReviewDesk.Audience);

        await RefusedAsync(await server.TokenAsync(mesh.Namespace, account, pod: pod), "is not for audience ambient.mesh/controller");
        await RefusedAsync(await server.TokenAsync(mesh.Namespace, account, "ambient.mesh/other", pod), "is not for audience ambient.mesh/controller");
        await RefusedAsync(await server.TokenAsync(mesh.Namespace, "somebody", audience, stranger), $"is not of service account {mesh.Namespace}/ambient-node");
        await RefusedAsync(await server.TokenAsync(mesh.Namespace, account, audience), "is not bound to a pod");
        await RefusedAsync("", "expected metadata");
        await RefusedAsync("no-token", "does not know the token");

        async Task RefusedAsync(string token, string reason)
        {
            var (code, detail) = await RefusalAsync(mesh, controller, "node-a", token);
            Assert.Equal(StatusCode.Unauthenticated, code);
            Assert.Contains(reason, detail);
            await mesh.LoggedAsync(reason);
        }
    }

    [Fact]
    public async Task A_token_whose_time_is_over_or_that_somebody_wrote_himself_is_refused()
    {
        await using var mesh = await MeshCluster.CreateAsync(server);
        var controller = await mesh.StartAsync();
        var good = await mesh.TokenAsync("node-a");
        var subject = $"system:serviceaccount:{mesh.Namespace}:{TokenReviewDesk.Account}";

        var (code, detail) = await RefusalAsync(mesh, controller, "node-a", Forged(good, subject, TimeProvider.System.GetUtcNow().AddSeconds(-1)));
        Assert.Equal((StatusCode.Unauthenticated, true), (code, detail.Contains("the token expired at")));
        (code, detail) = await RefusalAsync(mesh, controller, "node-a", Forged(good, subject, TimeProvider.System.GetUtcNow().AddHours(1)));
        Assert.Equal((StatusCode.Unauthenticated, true), (code, detail.Contains("does not know the token")));
        Assert.DoesNotContain(mesh.Log, l => l.Contains(good.Split('.')[2]));
    }

    [Fact]
    public async Task A_token_is_good_for_as_long_as_its_pod_is_there()
    {
        await using var mesh = await MeshCluster.CreateAsync(server);
        var controller = await mesh.StartAsync();
        var pod = await mesh.PlaceNodePodAsync("node-a");
        var token = await server.TokenAsync(mesh.Namespace, TokenReviewDesk.Account, TokenReviewDesk.Audience, pod);
        await using var node = await mesh.ConnectAsync(controller, "node-a", token);

        await server.DeleteAsync("v1", "Pod", mesh.Namespace, pod);
        var end = await node.EndAsync();
        Assert.Equal((StatusCode.Unauthenticated, true), (end.StatusCode, end.Detail.Contains($"{mesh.Namespace}/{pod}, is gone")));
    }

    [Fact]
    public async Task While_the_API_is_away_open_streams_go_on_known_tokens_come_back_and_others_are_told_to_try_later()
    {
        await using var mesh = await MeshCluster.CreateAsync(server);
        await using var line = server.OpenLine();
        var controller = await mesh.StartAsync(line);
        var (known, unknown) = (await mesh.TokenAsync("node-a"), await mesh.TokenAsync("node-b"));
        await using var node = await mesh.ConnectAsync(controller, "node-a", known);
        await node.SettleAsync();

        line.Cut();
        var (code, detail) = await RefusalAsync(mesh, controller, "node-b", unknown);
        Assert.Equal((StatusCode.Unavailable, true), (code, detail.Contains("cannot be asked about the token now")));
        await using (var again = await mesh.ConnectAsync(controller, "node-a", known))
            await again.SettleAsync();

        line.Restore();
        await using var other = await mesh.ConnectAsync(controller, "node-b", unknown);
        await other.SettleAsync();
    }

    private static async Task<(StatusCode Code, string Detail)> RefusalAsync(MeshCluster mesh, ControllerHost controller, string node, string token)
    {
        await using var stream = await mesh.OpenAsync(controller, node, token);
        try
        {
            await stream.SendAsync(new NodeMessage { Hello = new Hello { ProtocolVersion = 1, Node = node, BootId = "boot-1" } });
        }
        catch (RpcException)
        {
            // Refused before it could speak; how, the end tells.
        }
        var end = await stream.EndAsync();
        return (end.StatusCode, end.Detail);
    }

    // The same but for what is claimed; the signature is that of something else.
    private static string Forged(string token, string subject, DateTimeOffset expires)
    {
        var parts = token.Split('.');
        var claims = $$"""{"aud":["{{TokenReviewDesk.Audience}}"],"exp":{{expires.ToUnixTimeSeconds()}},"sub":"{{subject}}"}""";
        return $"{parts[0]}.{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(claims))}.{parts[2]}";
    }
}
