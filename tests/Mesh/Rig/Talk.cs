using System.Net;
using System.Net.Sockets;
using Ambient.Cli.Lab;

namespace Ambient.Tests.Mesh.Rig;

/// <summary>One connection over which something is said all the time, both ways.</summary>
internal sealed class Talk : IAsyncDisposable
{
    private static readonly TimeSpan Every = TimeSpan.FromMilliseconds(20);

    private readonly Socket _client, _server;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _talking;
    private int _rounds;

    private Talk(Socket client, Socket server)
    {
        (_client, _server) = (client, server);
        _talking = TalkAsync();
    }

    /// <summary>Opens it.</summary>
    /// <param name="listener">Where it arrives.</param>
    public static async Task<Talk> StartAsync(string fromNetwork, IPAddress address, int port, Socket listener)
    {
        var client = await PodSocket.ConnectAsync(fromNetwork, address, port);
        return new Talk(client, await listener.AcceptSoonAsync());
    }

    /// <summary>Fails unless something more is said within a second or so.</summary>
    public async Task AssertWellAsync()
    {
        var rounds = Volatile.Read(ref _rounds);
        for (var tries = 0; tries < 50 && Volatile.Read(ref _rounds) <= rounds && !_talking.IsCompleted; tries++) await Task.Delay(Every);
        if (_talking.IsCompleted) await _talking;
        Assert.True(Volatile.Read(ref _rounds) > rounds, "nothing was said for a second");
    }

    /// <summary>Ends it in good order: both sides see the other's end, and nothing else.</summary>
    public async Task EndAsync()
    {
        await _stop.CancelAsync();
        await _talking;
        _client.Shutdown(SocketShutdown.Send);
        Assert.Empty(await _server.ReceiveToEndAsync());
        _server.Shutdown(SocketShutdown.Send);
        Assert.Empty(await _client.ReceiveToEndAsync());
    }

    /// <summary>Waits until it is broken, and says how the client saw that.</summary>
    public async Task<Exception> BrokenAsync(TimeSpan atMost)
    {
        var first = await Task.WhenAny(_talking, Task.Delay(atMost));
        Assert.True(first == _talking, $"it still goes on after {atMost.TotalSeconds} s");
        return await Assert.ThrowsAnyAsync<Exception>(() => _talking);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _talking.ContinueWith(_ => { }, TaskScheduler.Default);
        _client.Dispose();
        _server.Dispose();
        _stop.Dispose();
    }

    private async Task TalkAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            var said = BitConverter.GetBytes(_rounds);
            await _client.SendAllAsync(said);
            Assert.Equal(said, await _server.ReceiveExactlyAsync(4));
            await _server.SendAllAsync(said);
            Assert.Equal(said, await _client.ReceiveExactlyAsync(4));
            Interlocked.Increment(ref _rounds);
            await Task.Delay(Every);
        }
    }
}
