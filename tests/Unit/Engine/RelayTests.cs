using System.Net.Sockets;
using System.Security.Cryptography;
using Ambient.NodeProxy.Engine;

namespace Ambient.Tests.Unit.Engine;

public sealed class RelayTests
{
    [Fact]
    public async Task Bytes_go_both_ways_and_each_half_ends_on_its_own()
    {
        await using var world = await World.Start();
        await world.Left.Outside.SendAsync("question"u8.ToArray());
        world.Left.Outside.Shutdown(SocketShutdown.Send);

        Assert.Equal("question", await ReadToEnd(world.Right.Outside));
        await world.Right.Outside.SendAsync("answer after the question's end"u8.ToArray());
        world.Right.Outside.Shutdown(SocketShutdown.Send);

        Assert.Equal("answer after the question's end", await ReadToEnd(world.Left.Outside));
        Assert.Null((await world.Ended).Broken);
    }

    [Fact]
    public async Task A_reset_arrives_as_a_reset_and_never_as_an_end()
    {
        await using var world = await World.Start();
        await world.Left.Outside.SendAsync("half of a"u8.ToArray());
        var room = new byte[64];
        Assert.Equal(9, await world.Right.Outside.ReceiveAsync(room));
        world.Left.Outside.LingerState = new LingerOption(true, 0);
        world.Left.Outside.Close();

        var error = await Assert.ThrowsAsync<SocketException>(async () => await world.Right.Outside.ReceiveAsync(room));
        Assert.Equal(SocketError.ConnectionReset, error.SocketErrorCode);
        Assert.NotNull((await world.Ended).Broken);
    }

    [Fact]
    public async Task What_came_before_a_reset_is_still_passed_on()
    {
        await using var world = await World.Start();
        var sent = RandomNumberGenerator.GetBytes(100_000);
        await world.Left.Outside.SendAsync(sent);
        world.Left.Outside.LingerState = new LingerOption(true, 0);
        world.Left.Outside.Close();

        int received = 0;
        var room = new byte[64 * 1024];
        var error = await Assert.ThrowsAsync<SocketException>(async () =>
        {
            while (await world.Right.Outside.ReceiveAsync(room) is var n and > 0) received += n;
        });
        Assert.Equal(SocketError.ConnectionReset, error.SocketErrorCode);
        Assert.InRange(received, 0, sent.Length);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4096)]
    [InlineData(1_000_000)]
    [InlineData(64 * 1024 * 1024)]
    public async Task Every_byte_arrives_once_and_in_order(int bytes)
    {
        await using var world = await World.Start();
        var sent = new byte[bytes];
        new Random(7).NextBytes(sent);
        var sending = Send(world.Left.Outside, sent);
        var sendingBack = Send(world.Right.Outside, sent);
        var got = HashToEnd(world.Right.Outside);
        var gotBack = HashToEnd(world.Left.Outside);
        await Task.WhenAll(sending, sendingBack).WaitAsync(TimeSpan.FromSeconds(60));

        Assert.Equal(SHA256.HashData(sent), await got);
        Assert.Equal(SHA256.HashData(sent), await gotBack);
        var (relay, broken) = await world.Ended;
        Assert.Null(broken);
        Assert.Equal(bytes, relay.Downstream.BytesReceived);
        Assert.Equal(bytes, relay.Upstream.BytesReceived);
    }

    [Fact]
    public async Task A_stalled_reader_stops_its_writer_and_costs_a_bounded_amount_of_memory()
    {
        await using var world = await World.Start();
        world.Left.Outside.Blocking = false;
        var chunk = new byte[64 * 1024];
        long written = 0;
        var quietSince = Environment.TickCount64;
        while (Environment.TickCount64 - quietSince < 300)
        {
            int n = world.Left.Outside.Send(chunk, SocketFlags.None, out var error);
            if (error == SocketError.Success && n > 0)
            {
                written += n;
                quietSince = Environment.TickCount64;
            }
            else
            {
                await Task.Delay(5);
            }
        }

        long rented = await world.Loop.Run(() => world.Loop.Loop.Buffers.RentedBytes);
        Assert.InRange(rented, 0, 256 * 1024);
        world.Left.Outside.LingerState = new LingerOption(true, 0);
        world.Left.Outside.Close();
        await world.Ended;
    }

    [Fact]
    public async Task A_dead_peer_is_passed_on_within_seconds_even_when_the_other_side_reads_nothing()
    {
        await using var world = await World.Start();
        world.Left.Outside.Blocking = false;
        var chunk = new byte[1024 * 1024];
        for (int i = 0; i < 50; i++)
        {
            world.Left.Outside.Send(chunk, SocketFlags.None, out _);
            await Task.Delay(5);
        }

        world.Left.Outside.LingerState = new LingerOption(true, 0);
        world.Left.Outside.Close();
        Assert.NotNull((await world.Ended.WaitAsync(TimeSpan.FromSeconds(20))).Broken);
    }

    [Fact]
    public async Task Relaying_allocates_nothing_once_it_runs()
    {
        await using var world = await World.Start();
        var message = new byte[1024];
        var room = new byte[1024];
        async Task RoundTrips(int count)
        {
            for (int i = 0; i < count; i++)
            {
                world.Left.Outside.Send(message);
                for (int got = 0; got < message.Length;) got += world.Right.Outside.Receive(room);
            }

            await Task.CompletedTask;
        }

        world.Left.Outside.Blocking = world.Right.Outside.Blocking = true;
        await RoundTrips(3_000);
        long before = await world.Loop.Run(GC.GetAllocatedBytesForCurrentThread);
        await RoundTrips(10_000);
        long after = await world.Loop.Run(GC.GetAllocatedBytesForCurrentThread);
        // The two questions to the loop themselves allocate a little; 10,000 relayed messages add nothing to it.
        Assert.InRange(after - before, 0, 2_000);
        world.Left.Outside.Shutdown(SocketShutdown.Send);
        world.Right.Outside.Shutdown(SocketShutdown.Send);
        await world.Ended;
    }

    private static async Task Send(Socket socket, ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty) bytes = bytes[await socket.SendAsync(bytes)..];
        socket.Shutdown(SocketShutdown.Send);
    }

    private static async Task<string> ReadToEnd(Socket socket)
    {
        using var all = new MemoryStream();
        var room = new byte[4096];
        while (await socket.ReceiveAsync(room).WaitAsync(TimeSpan.FromSeconds(20)) is var n and > 0) all.Write(room, 0, n);
        return System.Text.Encoding.ASCII.GetString(all.ToArray());
    }

    private static async Task<byte[]> HashToEnd(Socket socket)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var room = new byte[256 * 1024];
        while (await socket.ReceiveAsync(room).WaitAsync(TimeSpan.FromSeconds(60)) is var n and > 0) hash.AppendData(room.AsSpan(0, n));
        return hash.GetHashAndReset();
    }

    private sealed class World : IAsyncDisposable, IRelayOwner
    {
        private readonly TaskCompletionSource<(Relay Relay, Connection? Broken)> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public required TestLoop Loop { get; init; }

        public required SocketPair Left { get; init; }

        public required SocketPair Right { get; init; }

        public Task<(Relay Relay, Connection? Broken)> Ended => _ended.Task.WaitAsync(TimeSpan.FromSeconds(30));

        public static async Task<World> Start()
        {
            var world = new World { Loop = new TestLoop(), Left = await SocketPair.Connect(), Right = await SocketPair.Connect() };
            await world.Loop.Run(() => Relay.Start(
                SocketConnection.Adopt(world.Loop.Loop, world.Left.InsideFd),
                SocketConnection.Adopt(world.Loop.Loop, world.Right.InsideFd), world));
            return world;
        }

        void IRelayOwner.OnRelayEnded(Relay relay, Connection? broken) => _ended.SetResult((relay, broken));

        public async ValueTask DisposeAsync()
        {
            Left.Dispose();
            Right.Dispose();
            await Ended;
            await Loop.DisposeAsync();
        }
    }
}
