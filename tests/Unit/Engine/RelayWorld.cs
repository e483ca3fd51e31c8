using Ambient.NodeProxy.Engine;

namespace Ambient.Tests.Unit.Engine;

/// <summary>Two loopback connections that a relay joins on a loop.</summary>
internal sealed class RelayWorld : IAsyncDisposable, IRelayOwner
{
    private readonly TaskCompletionSource<(Relay Relay, Connection? Broken)> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public required SocketPair Left { get; init; }

    public required SocketPair Right { get; init; }

    public Relay Relay { get; private set; } = null!;

    public Task<(Relay Relay, Connection? Broken)> Ended => _ended.Task.WaitAsync(TimeSpan.FromSeconds(30));

    public static async Task<RelayWorld> On(TestLoop loop)
    {
        var world = new RelayWorld { Left = await SocketPair.Connect(), Right = await SocketPair.Connect() };
        world.Relay = await loop.Run(() => Relay.Start(
            SocketConnection.Adopt(loop.Loop, world.Left.InsideFd), SocketConnection.Adopt(loop.Loop, world.Right.InsideFd), world));
        return world;
    }

    void IRelayOwner.OnRelayEnded(Relay relay, Connection? broken) => _ended.SetResult((relay, broken));

    public async ValueTask DisposeAsync()
    {
        Left.Dispose();
        Right.Dispose();
        await Ended;
    }
}
