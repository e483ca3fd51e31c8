using Ambient.Protocol.Discovery.V1;
using Grpc.Core;

namespace Ambient.Tests.Unit.Controller;

public sealed class JoinTests
{
    [Fact]
    public async Task A_stream_without_a_token_is_refused()
    {
        await using var rig = await ControllerRig.StartAsync();
        Assert.Equal((StatusCode.Unauthenticated, true), await RefusalAsync(rig, "", "a", "Bearer"));
    }

    [Theory]
    [InlineData("ambient1.YQ.9999999999.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("nonsense")]
    [InlineData("....")]
    public async Task A_token_that_this_controller_did_not_make_is_refused(string token)
    {
        await using var rig = await ControllerRig.StartAsync();
        Assert.Equal((StatusCode.Unauthenticated, true), await RefusalAsync(rig, token, "a", "not made by this controller"));
        Assert.DoesNotContain(rig.Log, line => line.Contains(token));
    }

    [Fact]
    public async Task A_token_of_another_node_is_refused_with_PERMISSION_DENIED_and_says_so()
    {
        await using var rig = await ControllerRig.StartAsync();
        var token = rig.TokenOf("b");

        Assert.Equal((StatusCode.PermissionDenied, true), await RefusalAsync(rig, token, "a", "token is for node b"));
        Assert.DoesNotContain(rig.Log, line => line.Contains(token));
    }

    [Fact]
    public async Task A_token_that_has_expired_is_refused_and_says_what_to_do()
    {
        await using var rig = await ControllerRig.StartAsync();
        Assert.Equal((StatusCode.Unauthenticated, true), await RefusalAsync(rig, rig.TokenOf("a", TimeSpan.FromSeconds(-1)), "a", "expired: make another"));
    }

    [Fact]
    public async Task A_stream_that_does_not_begin_with_Hello_is_refused()
    {
        await using var rig = await ControllerRig.StartAsync();
        Assert.Equal((StatusCode.InvalidArgument, true),
            await RefusalAsync(rig, rig.TokenOf("a"), "a", "expected a Hello", new NodeMessage { Ack = new Ack() }));
    }

    [Fact]
    public async Task A_node_of_another_protocol_version_is_refused()
    {
        await using var rig = await ControllerRig.StartAsync();
        Assert.Equal((StatusCode.FailedPrecondition, true),
            await RefusalAsync(rig, rig.TokenOf("a"), "a", "protocol version 1, not 2", new NodeMessage { Hello = new Hello { ProtocolVersion = 2, Node = "a" } }));
    }

    [Fact]
    public async Task A_second_Hello_ends_the_stream()
    {
        await using var rig = await ControllerRig.StartAsync();
        await using var node = await rig.ConnectAsync("a");
        await node.SendAsync(new NodeMessage { Hello = new Hello { ProtocolVersion = 1, Node = "a" } });
        Assert.Equal(StatusCode.InvalidArgument, (await node.EndAsync()).StatusCode);
    }

    private static async Task<(StatusCode, bool)> RefusalAsync(ControllerRig rig, string token, string node, string detail, NodeMessage? first = null)
    {
        await using var stream = TestNode.Open(rig.Host.EndPoint, Path.Combine(rig.State, "bundle.pem"), token, node, "boot");
        try
        {
            await stream.SendAsync(first ?? new NodeMessage { Hello = new Hello { ProtocolVersion = 1, Node = node, BootId = "boot" } });
        }
        catch (RpcException)
        {
            // Refused before the first message could be written; the end tells why.
        }
        var end = await stream.EndAsync();
        return (end.StatusCode, end.Detail.Contains(detail, StringComparison.Ordinal));
    }
}
