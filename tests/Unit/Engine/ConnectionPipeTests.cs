using System.Buffers;
using System.Net.Sockets;
using System.Security.Cryptography;
using Ambient.NodeProxy.Engine;

namespace Ambient.Tests.Unit.Engine;

public sealed class ConnectionPipeTests
{
    [Fact]
    public async Task A_connection_reads_and_writes_as_a_pair_of_pipes_and_backpressure_reaches_the_peer()
    {
        await using var loop = new TestLoop();
        using var pair = await SocketPair.Connect();
        var finished = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await loop.Run(() => Echo(loop.Loop, pair.InsideFd, finished));

        var sent = new byte[8 * 1024 * 1024];
        new Random(3).NextBytes(sent);
        var sending = Task.Run(async () =>
        {
            for (ReadOnlyMemory<byte> rest = sent; !rest.IsEmpty;) rest = rest[await pair.Outside.SendAsync(rest)..];
            pair.Outside.Shutdown(SocketShutdown.Send);
        });
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var room = new byte[64 * 1024];
        while (await pair.Outside.ReceiveAsync(room).WaitAsync(TimeSpan.FromSeconds(30)) is var n and > 0) hash.AppendData(room.AsSpan(0, n));
        await sending;
        await finished.Task.WaitAsync(TimeSpan.FromSeconds(10));

        Assert.Equal(SHA256.HashData(sent), hash.GetHashAndReset());
    }

    [Fact]
    public async Task A_reset_ends_the_reader_with_an_exception()
    {
        await using var loop = new TestLoop();
        using var pair = await SocketPair.Connect();
        var finished = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await loop.Run(() => Echo(loop.Loop, pair.InsideFd, finished));
        pair.Outside.LingerState = new LingerOption(true, 0);
        pair.Outside.Close();

        var broken = await Assert.ThrowsAsync<ConnectionBrokenException>(() => finished.Task.WaitAsync(TimeSpan.FromSeconds(10)));
        Assert.Equal(ConnectionFault.Reset, broken.Fault);
    }

    private static async void Echo(EventLoop loop, int fd, TaskCompletionSource finished)
    {
        var connection = SocketConnection.Adopt(loop, fd);
        connection.Owner = new CloseWhenSent();
        var pipe = new ConnectionPipe(connection);
        try
        {
            while (true)
            {
                var result = await pipe.Input.ReadAsync();
                loop.AssertCurrent();
                foreach (var segment in result.Buffer) pipe.Output.Write(segment.Span);
                pipe.Input.AdvanceTo(result.Buffer.End);
                await pipe.Output.FlushAsync();
                if (result.IsCompleted) break;
            }

            await pipe.Output.CompleteAsync();
            finished.SetResult();
        }
        catch (Exception e)
        {
            finished.SetException(e);
        }
    }

    private sealed class CloseWhenSent : IConnectionOwner
    {
        public void OnSendEnded(Connection connection) => connection.Close();

        public void OnBroken(Connection connection)
        {
        }
    }
}
