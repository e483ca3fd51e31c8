using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Ambient.Cli.App;
using Ambient.Cli.Lab;
using Ambient.Tests.Mesh.Rig;

namespace Ambient.Tests.Mesh.Endurance;

/// <summary>Apps that take their time: connections that are idle or not read from for long are as good afterwards as before.</summary>
public sealed class SlowReaderTests(ShopMesh mesh) : ShopMeshTest(mesh)
{
    private const long Bytes = 50_000_000;

    [Theory]
    [InlineData("jobs", "jobs-23")]
    [InlineData("cache", "cache-12")]
    public async Task A_reader_that_stops_for_a_while_gets_every_byte_afterwards_and_others_go_on_meanwhile(string service, string server)
    {
        var lab = await MeshAsync();
        var listener = Own(PodSocket.Listen(lab.Plan.Pod(server).Network));
        var addresses = (IPAddress[])[lab.Plan.Service(service).V4, lab.Plan.Service(service).V6];
        var pattern = new Pattern(7);
        var stopped = new List<(Socket Reader, Task Sending)>();
        var idle = new List<(Socket Client, Socket Server)>();
        foreach (var address in addresses)
        {
            var reader = Own(await PodSocket.ConnectAsync("p11", address, 80));
            stopped.Add((reader, Own(await listener.AcceptSoonAsync()).SendPatternAsync(pattern, Bytes)));
            idle.Add((Own(await PodSocket.ConnectAsync("p11", address, 80)), Own(await listener.AcceptSoonAsync())));
        }
        var brisk = new List<(Socket Client, Socket Server)>();
        foreach (var address in addresses) brisk.Add((Own(await PodSocket.ConnectAsync("p11", address, 80)), Own(await listener.AcceptSoonAsync())));

        var began = Stopwatch.GetTimestamp();
        var (rounds, slowest) = (0, TimeSpan.Zero);
        while (Stopwatch.GetElapsedTime(began) < Rig.Endurance.Of(TimeSpan.FromSeconds(4), TimeSpan.FromSeconds(75)))
        {
            foreach (var (client, app) in brisk)
            {
                var asked = Stopwatch.GetTimestamp();
                await client.SendAllAsync(new byte[1000]);
                await app.ReceiveExactlyAsync(1000);
                await app.SendAllAsync(new byte[100_000]);
                await client.ReceiveExactlyAsync(100_000);
                slowest = Stopwatch.GetElapsedTime(asked) > slowest ? Stopwatch.GetElapsedTime(asked) : slowest;
                rounds++;
            }
        }
        TestContext.Current.TestOutputHelper?.WriteLine($"{rounds} rounds beside the readers that had stopped, the slowest {slowest.TotalMilliseconds:0} ms");
        Assert.All(stopped, one => Assert.False(one.Sending.IsCompleted, "all bytes had gone out before the reader stopped"));

        foreach (var (reader, sending) in stopped)
        {
            await reader.ReceivePatternAsync(pattern, Bytes);
            await sending;
        }
        foreach (var (client, app) in idle)
        {
            await client.SendAllAsync("still there"u8.ToArray());
            Assert.Equal("still there"u8.ToArray(), await app.ReceiveExactlyAsync(11));
            app.Shutdown(SocketShutdown.Send);
            Assert.Empty(await client.ReceiveToEndAsync());
        }
    }
}
