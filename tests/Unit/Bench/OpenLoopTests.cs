using System.Net;
using System.Net.Sockets;
using Ambient.Bench.Rig.Loads;

namespace Ambient.Tests.Unit.Bench;

/// <summary>A generator that hides waiting would make whoever stalls look fast.</summary>
public sealed class OpenLoopTests
{
    private const int Rate = 200, Seconds = 2;

    private static readonly TimeSpan Stall = TimeSpan.FromMilliseconds(500);

    [Fact]
    public async Task One_stall_of_the_server_is_in_the_latency_of_every_request_that_was_due_meanwhile()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var server = Task.Run(() => ServeAsync(listener));
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync((IPEndPoint)listener.LocalEndpoint);

        OpenLoopResult result;
        using (var loop = new OpenLoop([socket]))
            result = await Task.Run(() => loop.Run(Rate, TimeSpan.FromSeconds(Seconds)));
        await server;

        Assert.Equal((Rate * Seconds, 0, 0), (result.Answered, result.Failed, result.Unanswered));
        // A hundred of four hundred were due during the stall. One that counts from when it could send sees a single slow answer, far beyond p99.
        Assert.True(result.P99Milliseconds > 0.9 * Stall.TotalMilliseconds, $"p99 {result.P99Milliseconds:0.0} ms");
        // They waited for the connection, which is told apart.
        Assert.True(result.LateP99Milliseconds > 0.9 * Stall.TotalMilliseconds, $"late by {result.LateP99Milliseconds:0.0} ms");
        Assert.True(result.MeanMilliseconds > 0.1 * Stall.TotalMilliseconds, $"mean {result.MeanMilliseconds:0.0} ms");
    }

    // Answers one request after the other, and rests once, in the middle.
    private static async Task ServeAsync(TcpListener listener)
    {
        using var connection = await listener.AcceptSocketAsync();
        connection.NoDelay = true;
        var request = new byte[1024];
        for (int served = 0; await connection.ReceiveAsync(request) > 0; served++)
        {
            if (served == Rate * Seconds / 2) await Task.Delay(Stall);
            await connection.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"u8.ToArray());
        }
    }
}
