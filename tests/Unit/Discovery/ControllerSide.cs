using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Mesh.V1;
using Google.Protobuf;
using Grpc.Core;

namespace Ambient.Tests.Unit.Discovery;

/// <summary>The controller's end of one stream, in the test's hand.</summary>
internal sealed class ControllerSide(IAsyncStreamReader<NodeMessage> incoming, IServerStreamWriter<ControllerMessage> outgoing, ServerCallContext context)
{
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationToken _cancellation = context.CancellationToken;   // the context itself ends with the stream
    private ulong _id;
    private ulong _lastReceived;

    public Task Ended => _ended.Task;

    public string Token { get; } = context.RequestHeaders.GetValue("authorization") ?? "";

    public bool IsCancelled => _cancellation.IsCancellationRequested;

    /// <summary>The next message of the node, whose ids have to rise by one.</summary>
    public async Task<NodeMessage> ReadAsync()
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        Assert.True(await incoming.MoveNext(deadline.Token), "the node ended the stream");
        Assert.Equal(++_lastReceived, incoming.Current.Id);
        return incoming.Current;
    }

    /// <summary>The next message of the node of some kind; others are passed over.</summary>
    public async Task<NodeMessage> ReadAsync(NodeMessage.BodyOneofCase kind)
    {
        while (true)
        {
            NodeMessage message = await ReadAsync();
            if (message.BodyCase == kind)
                return message;
        }
    }

    public async Task<Hello> WelcomeAsync(string epoch = MeshWorld.Epoch, params byte[][] roots)
    {
        Hello hello = (await ReadAsync()).Hello;
        var welcome = new Welcome { ProtocolVersion = 1, Controller = "test", Epoch = epoch };
        welcome.TrustBundle.AddRange(roots.Select(root => ByteString.CopyFrom(root)));
        await SendAsync(new ControllerMessage { Welcome = welcome });
        return hello;
    }

    public Task SendFullAsync(ulong version, params Resource[] resources) => SendDeltaAsync(version, true, false, resources);

    public Task SendDeltaAsync(ulong version, params Resource[] resources) => SendDeltaAsync(version, false, false, resources);

    public async Task SendDeltaAsync(ulong version, bool full, bool more, Resource[] resources)
    {
        var delta = new Delta { Version = version, Nonce = ByteString.CopyFromUtf8($"nonce-{version}"), Full = full, More = more };
        delta.Upserts.AddRange(resources);
        await SendAsync(new ControllerMessage { Delta = delta });
    }

    public async Task SendAsync(ControllerMessage message)
    {
        message.Id = ++_id;
        await outgoing.WriteAsync(message);
    }

    /// <summary>Ends the stream; OK ends it without an error.</summary>
    public void End(Status status)
    {
        if (status.StatusCode == StatusCode.OK)
            _ended.TrySetResult();
        else
            _ended.TrySetException(new RpcException(status));
    }
}
