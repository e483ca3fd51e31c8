using System.Diagnostics;
using System.Net.Sockets;
using System.Security.Cryptography;
using Ambient.Cli.App;
using Ambient.Cli.Lab;
using Ambient.Tests.Mesh.Rig;

namespace Ambient.Tests.Mesh.Traffic;

/// <summary>What apps say arrives as they said it: bytes, ends and resets. Between nodes (jobs) and within one (cache).</summary>
public sealed class StreamTests(ShopMesh mesh) : ShopMeshTest(mesh)
{
    private static readonly long Volume = Rig.Endurance.Of(1_000_000_000, 10_000_000_000);

    private long _filled;

    public static TheoryData<string, string, AddressFamily> Places => new()
    {
        { "jobs", "jobs-23", AddressFamily.InterNetwork }, { "jobs", "jobs-23", AddressFamily.InterNetworkV6 },
        { "cache", "cache-12", AddressFamily.InterNetwork }, { "cache", "cache-12", AddressFamily.InterNetworkV6 },
    };

    [Theory]
    [MemberData(nameof(Places))]
    public async Task A_half_that_is_closed_leaves_the_other_open(string service, string server, AddressFamily family)
    {
        var (client, remote, _) = await PairAsync(service, server, family);
        var said = RandomNumberGenerator.GetBytes(1_000_000);
        var sending = client.SendAllAsync(said).ContinueWith(_ => client.Shutdown(SocketShutdown.Send), TaskScheduler.Default);
        Assert.Equal(said, await remote.ReceiveToEndAsync());
        await sending;
        // The client has ended its half long ago; the server says everything back only now.
        var echoing = remote.SendAllAsync(said).ContinueWith(_ => remote.Shutdown(SocketShutdown.Send), TaskScheduler.Default);
        Assert.Equal(said, await client.ReceiveToEndAsync());
        await echoing;
    }

    [Theory]
    [MemberData(nameof(Places))]
    public async Task A_server_may_end_its_half_first(string service, string server, AddressFamily family)
    {
        var (client, remote, _) = await PairAsync(service, server, family);
        remote.Shutdown(SocketShutdown.Send);
        Assert.Empty(await client.ReceiveToEndAsync());
        await client.SendAllAsync(new byte[100_000]);
        client.Shutdown(SocketShutdown.Send);
        Assert.Equal(100_000, (await remote.ReceiveToEndAsync()).Length);
    }

    [Theory]
    [MemberData(nameof(Places))]
    public async Task A_reset_by_the_client_in_the_middle_of_a_transfer_is_a_reset_to_the_server(string service, string server, AddressFamily family)
    {
        var (client, remote, _) = await PairAsync(service, server, family);
        await client.SendAllAsync(new byte[200_000]);
        await remote.ReceiveExactlyAsync(1000);
        client.Reset();
        await AssertResetAsync(remote);
    }

    [Theory]
    [MemberData(nameof(Places))]
    public async Task A_reset_by_the_server_in_the_middle_of_a_transfer_is_a_reset_to_the_client(string service, string server, AddressFamily family)
    {
        var (client, remote, _) = await PairAsync(service, server, family);
        await remote.SendAllAsync(new byte[200_000]);
        await client.ReceiveExactlyAsync(1000);
        remote.Reset();
        await AssertResetAsync(client);
    }

    [Fact]
    public async Task A_port_where_nobody_listens_is_not_a_connection_that_ends_cleanly()
    {
        var lab = await MeshAsync();
        foreach (var address in (System.Net.IPAddress[])[lab.Plan.Service("jobs").V4, lab.Plan.Service("jobs").V6])
        {
            // The reset can be quicker than the connect's own return.
            var fault = await Assert.ThrowsAsync<SocketException>(async () =>
            {
                using var client = await PodSocket.ConnectAsync("p11", address, 80);
                await client.ReceiveToEndAsync();
            });
            Assert.Equal(SocketError.ConnectionReset, fault.SocketErrorCode);
        }
    }

    [Theory]
    [InlineData("jobs", "jobs-23", AddressFamily.InterNetworkV6)]
    [InlineData("cache", "cache-12", AddressFamily.InterNetwork)]
    public async Task A_gigabyte_each_way_at_once_arrives_to_the_byte(string service, string server, AddressFamily family)
    {
        var (client, remote, _) = await PairAsync(service, server, family);
        var (up, down) = (new Pattern(1), new Pattern(2));
        var lab = await MeshAsync();
        var (before, began) = (await NodeCensus.TakeAsync(lab), Stopwatch.GetTimestamp());
        await Task.WhenAll(
            client.SendPatternAsync(up, Volume), remote.ReceivePatternAsync(up, Volume), remote.SendPatternAsync(down, Volume), client.ReceivePatternAsync(down, Volume));
        var (after, seconds, gigabytes) = (await NodeCensus.TakeAsync(lab), Stopwatch.GetElapsedTime(began).TotalSeconds, 2 * Volume / 1e9);
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{gigabytes:0} GB in {seconds:0.0} s: {gigabytes * 8 / seconds:0.0} Gbit/s, {(after.Cpu - before.Cpu).TotalSeconds / gigabytes:0.00} s CPU a GB in both nodes together; PSS {before.PssKilobytes} to {after.PssKilobytes} KB");
        Assert.InRange(after.PssKilobytes, 0, before.PssKilobytes + 100_000);
    }

    [Fact]
    public async Task Two_hundred_stalled_readers_do_not_hold_up_a_brisk_stream_of_the_same_pods()
    {
        const int Stalled = 200;
        var (client, remote, listener) = await PairAsync("jobs", "jobs-23");
        var alone = await BriskAsync(client, remote);

        var lab = await MeshAsync();
        var senders = new List<Task>();
        using var stop = new CancellationTokenSource();
        var last = 0L;
        for (var i = 0; i < Stalled; i++)
        {
            Own(await PodSocket.ConnectAsync("p11", lab.Plan.Service("jobs").V4, 80));   // never reads
            senders.Add(FillAsync(Own(await listener.AcceptSoonAsync()), stop.Token));
        }
        await lab.UntilAsync("all the streams stand still", TimeSpan.FromSeconds(60), StandStillAsync);

        var beside = await BriskAsync(client, remote);
        TestContext.Current.TestOutputHelper?.WriteLine($"100 MB alone in {alone.TotalSeconds:0.00} s, beside {Stalled} stalled ones in {beside.TotalSeconds:0.00} s");
        Assert.True(beside < 5 * alone + TimeSpan.FromSeconds(2), $"alone {alone}, beside the stalled ones {beside}");
        await stop.CancelAsync();
        await Task.WhenAll(senders);

        async Task<string?> StandStillAsync()
        {
            await Task.Delay(300);
            var now = Interlocked.Read(ref _filled);
            var moved = now - last;
            last = now;
            return moved == 0 ? null : $"{moved} bytes in 0.3 s";
        }
    }

    private async Task FillAsync(Socket socket, CancellationToken stop)
    {
        var bytes = new byte[64 * 1024];
        try
        {
            while (true) Interlocked.Add(ref _filled, await socket.SendAsync(bytes, stop));
        }
        catch (Exception fault) when (fault is OperationCanceledException or SocketException)
        {
            // Stalled until the end of the test.
        }
    }

    // A hundred megabytes from the server to the client.
    private static async Task<TimeSpan> BriskAsync(Socket client, Socket remote)
    {
        const int Pieces = 1600;
        var piece = new byte[64 * 1024];
        var began = Stopwatch.GetTimestamp();
        var sending = Task.Run(async () =>
        {
            for (var i = 0; i < Pieces; i++) await remote.SendAllAsync(piece);
        });
        for (var i = 0; i < Pieces; i++) await client.ReceiveExactlyAsync(piece.Length);
        await sending;
        return Stopwatch.GetElapsedTime(began);
    }

    private static async Task AssertResetAsync(Socket socket)
    {
        var fault = await Assert.ThrowsAsync<SocketException>(() => socket.ReceiveToEndAsync());
        Assert.Equal(SocketError.ConnectionReset, fault.SocketErrorCode);
    }

    private async Task<(Socket Client, Socket Server, Socket Listener)> PairAsync(string service, string server, AddressFamily family = AddressFamily.InterNetwork)
    {
        var lab = await MeshAsync();
        var listener = Own(PodSocket.Listen(lab.Plan.Pod(server).Network));
        var client = Own(await PodSocket.ConnectAsync("p11", lab.Plan.Service(service).Address(family), 80));
        return (client, Own(await listener.AcceptSoonAsync()), listener);
    }
}
