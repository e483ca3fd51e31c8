using System.Diagnostics;
using System.Net.Sockets;
using System.Security.Cryptography;
using Ambient.NodeProxy.Engine;

namespace Ambient.Tests.Unit.Engine;

/// <summary>Bulk between two sockets goes through the loop's pipe; nothing but the cost may differ.</summary>
public sealed class SpliceTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Many_connections_that_share_the_pipe_get_their_own_bytes_only_whatever_their_readers_do()
    {
        await using var loop = new TestLoop();
        await Task.WhenAll(Enumerable.Range(0, 12).Select(async seed =>
        {
            await using var world = await RelayWorld.On(loop);
            var sent = new byte[3_000_000 + (seed * 77_777)];
            new Random(seed).NextBytes(sent);
            var writing = Task.Run(() => WriteInFits(world.Left.Outside, sent, new Random(seed)));
            using var received = new MemoryStream();
            var random = new Random(~seed);
            var room = new byte[300_000];
            while (await world.Right.Outside.ReceiveAsync(room.AsMemory(0, random.Next(1, room.Length))).AsTask().WaitAsync(Patience) is var n and > 0)
            {
                received.Write(room, 0, n);
                if (seed % 2 == 0 && random.Next(4) == 0) await Task.Delay(random.Next(10)); // the socket fills, the pipe is emptied into memory
            }

            await writing.WaitAsync(Patience);
            Assert.Equal(SHA256.HashData(sent), SHA256.HashData(received.ToArray()));
            world.Right.Outside.Shutdown(SocketShutdown.Send);
            var (relay, broken) = await world.Ended;
            Assert.Null(broken);
            Assert.Equal((sent.Length, sent.Length), (relay.Downstream.BytesReceived, relay.Upstream.BytesSent));
        }));

        static void WriteInFits(Socket socket, byte[] bytes, Random random)
        {
            for (int at = 0; at < bytes.Length;)
            {
                int some = Math.Min(bytes.Length - at, random.Next(3) == 0 ? random.Next(1, 2_000) : random.Next(1, 500_000));
                socket.Send(bytes, at, some, SocketFlags.None);
                at += some;
                if (random.Next(20) == 0) Thread.Yield();
            }

            socket.Shutdown(SocketShutdown.Send);
        }
    }

    [Fact]
    public async Task An_end_in_the_middle_of_bulk_is_an_end_and_the_other_half_goes_on()
    {
        await using var loop = new TestLoop();
        await using var world = await RelayWorld.On(loop);
        var bulk = new byte[8_000_000];
        var reading = ReadAll(world.Right.Outside, bulk.Length);
        await SendAll(world.Left.Outside, bulk);
        world.Left.Outside.Shutdown(SocketShutdown.Send);
        await reading;
        Assert.Equal(0, await world.Right.Outside.ReceiveAsync(new byte[1]).WaitAsync(Patience));

        reading = ReadAll(world.Left.Outside, bulk.Length);
        await SendAll(world.Right.Outside, bulk);
        await reading;
        world.Right.Outside.Shutdown(SocketShutdown.Send);
        Assert.Equal(0, await world.Left.Outside.ReceiveAsync(new byte[1]).WaitAsync(Patience));
        Assert.Null((await world.Ended).Broken);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_reset_in_the_middle_of_bulk_is_a_reset_on_the_other_side(bool byWriter)
    {
        await using var loop = new TestLoop();
        for (int round = 0; round < 20; round++)
        {
            await using var world = await RelayWorld.On(loop);
            var (writer, reader) = (world.Left.Outside, world.Right.Outside);
            using var stop = new CancellationTokenSource();
            var writing = Task.Run(() =>
            {
                var chunk = new byte[512 * 1024];
                try
                {
                    while (!stop.IsCancellationRequested) writer.Send(chunk);
                    return SocketError.Success;
                }
                catch (SocketException e)
                {
                    return e.SocketErrorCode;
                }
                catch (ObjectDisposedException)
                {
                    return SocketError.Success;
                }
            });
            await ReadAll(reader, 2_000_000 + (round * 33_333));
            if (byWriter)
            {
                await stop.CancelAsync();
                var drain = ReadUntilOver(reader);
                await writing.WaitAsync(Patience);
                writer.LingerState = new LingerOption(true, 0);
                writer.Close();
                Assert.Equal(SocketError.ConnectionReset, await drain);
            }
            else
            {
                reader.LingerState = new LingerOption(true, 0);
                reader.Close();
                Assert.Contains(await writing.WaitAsync(Patience), new[] { SocketError.ConnectionReset, SocketError.Shutdown });
            }

            Assert.NotNull((await world.Ended).Broken);
        }
    }

    [Fact]
    public async Task A_reader_that_stalls_in_the_middle_of_bulk_holds_little_memory_and_gets_every_byte_when_it_goes_on()
    {
        await using var loop = new TestLoop();
        await using var world = await RelayWorld.On(loop);
        var sent = new byte[30_000_000];
        new Random(3).NextBytes(sent);
        var sending = SendAll(world.Left.Outside, sent);
        await ReadAll(world.Right.Outside, 1, andHash: null);
        long before = -1, now = 0;
        while (before != now)
        {
            await Task.Delay(100);
            (before, now) = (now, await loop.Run(() => world.Relay.Downstream.BytesReceived));
        }

        Assert.False(sending.IsCompleted);
        Assert.InRange(await loop.Run(() => loop.Loop.Buffers.RentedBytes), 0, 256 * 1024);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(sent, 0, 1);
        await ReadAll(world.Right.Outside, sent.Length - 1, hash);
        Assert.Equal(SHA256.HashData(sent), hash.GetHashAndReset());
        await sending;
        world.Left.Outside.Shutdown(SocketShutdown.Send);
        world.Right.Outside.Shutdown(SocketShutdown.Send);
        await world.Ended;
    }

    [Fact]
    public async Task Bulk_allocates_nothing_on_the_loop_and_is_spliced()
    {
        await using var loop = new TestLoop();
        await using var world = await RelayWorld.On(loop);
        world.Left.Outside.Blocking = world.Right.Outside.Blocking = true;
        var bulk = new byte[4_000_000];
        for (int round = 0; round < 5; round++) await Once();
        // A pool is filled by the first reader that falls behind, whenever that is.
        await loop.Run(() => loop.Loop.Buffers.Return(loop.Loop.Buffers.Rent(160 * 1024)));
        await loop.Run(() => loop.Loop.Buffers.Return(loop.Loop.Buffers.Rent(80 * 1024)));
        await loop.Run(() => loop.Loop.Buffers.Return(loop.Loop.Buffers.Rent(16 * 1024)));
        await loop.Run(() => loop.Loop.Buffers.Return(loop.Loop.Buffers.Rent(2 * 1024)));
        (long allocated, _) = await Facts();
        for (int round = 0; round < 20; round++) await Once();
        (long after, long spliced) = await Facts();
        Assert.InRange(after - allocated, 0, 4_000); // the questions themselves
        Assert.InRange(spliced, 1_000_000, long.MaxValue);
        world.Left.Outside.Shutdown(SocketShutdown.Send);
        world.Right.Outside.Shutdown(SocketShutdown.Send);
        await world.Ended;

        Task<(long, long)> Facts() => loop.Run(() => (GC.GetAllocatedBytesForCurrentThread(), loop.Loop.Pipe.BytesMoved));

        async Task Once()
        {
            var reading = ReadAll(world.Right.Outside, bulk.Length);
            await SendAll(world.Left.Outside, bulk);
            await reading;
        }
    }

    [Fact]
    public async Task Small_messages_are_not_spliced()
    {
        await using var loop = new TestLoop();
        await using var world = await RelayWorld.On(loop);
        var message = new byte[8_000];
        for (int i = 0; i < 500; i++)
        {
            await SendAll(world.Left.Outside, message);
            await ReadAll(world.Right.Outside, message.Length);
        }

        Assert.Equal(0, await loop.Run(() => loop.Loop.Pipe.BytesMoved));
        world.Left.Outside.Shutdown(SocketShutdown.Send);
        world.Right.Outside.Shutdown(SocketShutdown.Send);
        await world.Ended;
    }

    // A figure, not a promise: run alone with -method; docs/performance.md has it.
    [Fact]
    public async Task The_processor_time_of_a_gigabyte_is_printed_with_and_without_the_pipe()
    {
        foreach (bool spliced in new[] { false, true, false, true })
        {
            await using var loop = new TestLoop();
            if (!spliced) loop.Loop.Pipe.Forgo();
            await using var world = await RelayWorld.On(loop);
            const int Gigabyte = 1_000_000_000;
            long bytes = Gigabyte / 4;
            var chunk = new byte[256 * 1024];
            var reading = Task.Run(() => ReadAll(world.Right.Outside, bytes));
            var start = Stopwatch.GetTimestamp();
            double before = await ThreadSeconds();
            for (long sent = 0; sent < bytes;) sent += world.Left.Outside.Send(chunk, 0, (int)Math.Min(chunk.Length, bytes - sent), SocketFlags.None);
            await reading.WaitAsync(Patience);
            double seconds = await ThreadSeconds() - before;
            output.WriteLine($"{(spliced ? "spliced" : "copied ")}: {seconds * Gigabyte / bytes:F2} s of the loop's processor time a GB, "
                + $"{bytes / 1e9 / Stopwatch.GetElapsedTime(start).TotalSeconds:F2} GB/s");
            Assert.Equal(spliced, await loop.Run(() => loop.Loop.Pipe.BytesMoved > 0));
            world.Left.Outside.Shutdown(SocketShutdown.Send);
            world.Right.Outside.Shutdown(SocketShutdown.Send);
            await world.Ended;

            Task<double> ThreadSeconds() => loop.Run(ReadThreadSeconds);
        }

        // utime and stime of the calling thread, in ticks of 10 ms: /proc/thread-self/stat, fields 14 and 15 (proc(5)).
        static double ReadThreadSeconds()
        {
            string stat = File.ReadAllText("/proc/thread-self/stat");
            string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return (long.Parse(fields[11], System.Globalization.CultureInfo.InvariantCulture) + long.Parse(fields[12], System.Globalization.CultureInfo.InvariantCulture)) / 100d;
        }
    }

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static async Task SendAll(Socket socket, ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty) bytes = bytes[await socket.SendAsync(bytes)..];
    }

    private static Task ReadAll(Socket socket, long bytes) => ReadAll(socket, bytes, andHash: null);

    private static async Task ReadAll(Socket socket, long bytes, IncrementalHash? andHash)
    {
        var room = new byte[256 * 1024];
        while (bytes > 0)
        {
            int n = await socket.ReceiveAsync(room.AsMemory(0, (int)Math.Min(room.Length, bytes))).AsTask().WaitAsync(Patience);
            Assert.True(n > 0, "the stream ended too early");
            andHash?.AppendData(room, 0, n);
            bytes -= n;
        }
    }

    private static async Task<SocketError> ReadUntilOver(Socket socket)
    {
        var room = new byte[256 * 1024];
        try
        {
            while (await socket.ReceiveAsync(room.AsMemory()).AsTask().WaitAsync(Patience) > 0)
            {
            }

            return SocketError.Success;
        }
        catch (SocketException e)
        {
            return e.SocketErrorCode;
        }
    }
}
