using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Ambient.Cli.Lab;
using Ambient.Tests.Mesh.Rig;

namespace Ambient.Tests.Mesh.Endurance;

/// <summary>Very many connections, at once and one after another: each works to its end, and nothing of them is left.</summary>
public sealed class ManyConnectionsTests(ShopMesh mesh) : ShopMeshTest(mesh)
{
    // Both ends are in the test's process, which may have so many descriptors; the rest of them it needs itself.
    private static readonly int Connections = Rig.Endurance.Of(2_000, 9_000);
    private const int Dialers = 32;

    [Theory]
    [InlineData("jobs", "jobs-23")]
    [InlineData("cache", "cache-12")]
    public async Task Thousands_of_connections_are_open_at_once_each_carries_bytes_and_ends_cleanly_and_nothing_is_left(string service, string server)
    {
        var lab = await MeshAsync();
        // The first round fills pools and stocks that stay; a leak would grow with the second.
        var first = await RoundAsync(lab, service, server);
        var second = await RoundAsync(lab, service, server);

        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{Connections} connections: {(second.Open.PssKilobytes - second.Before.PssKilobytes) * 1024.0 / Connections:0} bytes each in both nodes together (first round {(first.Open.PssKilobytes - first.Before.PssKilobytes) * 1024.0 / Connections:0}); "
            + $"descriptors {second.Before.Descriptors} before, {second.Open.Descriptors} with them, {second.After.Descriptors} after; PSS {second.Before.PssKilobytes}, {second.Open.PssKilobytes}, {second.After.PssKilobytes} KB; "
            + $"CPU {(second.After.Cpu - second.Before.Cpu).TotalMilliseconds / Connections:0.00} ms a connection");
        Assert.InRange(second.After.Descriptors, 0, first.After.Descriptors + 100);
        Assert.InRange(second.After.PssKilobytes, 0, first.After.PssKilobytes + 50_000);
        Assert.InRange(second.Open.PssKilobytes, 0, first.Before.PssKilobytes + (Connections * 50L));
    }

    [Theory]
    [InlineData("jobs", "jobs-23")]
    [InlineData("cache", "cache-12")]
    public async Task Thousands_of_short_connections_leave_nothing_behind(string service, string server)
    {
        var lab = await MeshAsync();
        var process = await Load.ServeAsync(lab, lab.Plan.Pod(server));
        try
        {
            var first = await BurstAsync(lab, service);
            var second = await BurstAsync(lab, service);
            Assert.InRange(second.Descriptors, 0, first.Descriptors + 100);
            Assert.InRange(second.PssKilobytes, 0, first.PssKilobytes + 50_000);
        }
        finally
        {
            await process.KillAsync();
        }
    }

    private static async Task<NodeCensus> BurstAsync(Lab lab, string service)
    {
        var before = await NodeCensus.AtRestAsync(lab);
        var (v4, v6) = (lab.Plan.Service(service).V4, lab.Plan.Service(service).V6);
        var rate = Rig.Endurance.Of(300, 1_000);
        await using var one = await Load.StartAsync(lab, "p11", v4, 80, rate);
        await using var two = await Load.StartAsync(lab, "p11", v6, 80, rate);
        await Task.Delay(Rig.Endurance.Of(TimeSpan.FromSeconds(3), TimeSpan.FromMinutes(1)));   // how long is what the test is about
        var tallies = await Task.WhenAll(one.StopAsync(), two.StopAsync());
        var after = await NodeCensus.AtRestAsync(lab);
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{tallies.Sum(t => t.Ok)} connections at {tallies.Sum(t => t.Ok / t.Seconds):0} a second, p99 {tallies.Max(t => t.P99):0} ms; descriptors {before.Descriptors} to {after.Descriptors}, "
            + $"PSS {before.PssKilobytes} to {after.PssKilobytes} KB; CPU {(after.Cpu - before.Cpu).TotalMilliseconds / tallies.Sum(t => t.Ok):0.00} ms a connection; conntrack in the client's pod "
            + (await Tool.MustAsync(Command.Of("cat", "/proc/sys/net/netfilter/nf_conntrack_count").Inside("p11"))).Trim());
        Assert.All(tallies, tally => Assert.Equal((0, ""), (tally.Failed, tally.LastFailure)));
        return after;
    }

    private static async Task<(NodeCensus Before, NodeCensus Open, NodeCensus After)> RoundAsync(Lab lab, string service, string server)
    {
        var before = await NodeCensus.AtRestAsync(lab);
        using var listener = PodSocket.Listen(lab.Plan.Pod(server).Network, backlog: 4096);
        var clients = new Socket[Connections];
        var servers = new Socket[Connections];
        try
        {
            var accepting = AcceptAsync(listener, servers);
            var next = -1;
            await Task.WhenAll(Enumerable.Range(0, Dialers).Select(_ => Task.Run(async () =>
            {
                while (Interlocked.Increment(ref next) is var i && i < Connections)
                    clients[i] = await DialAsync(i % 2 == 0 ? lab.Plan.Service(service).V4 : lab.Plan.Service(service).V6, i);
            })));
            await accepting;
            var open = await NodeCensus.TakeAsync(lab);

            await EachAsync(async i =>
            {
                await servers[i].SendAllAsync(Number(~i));
                Assert.Equal(Number(~i), await clients[i].ReceiveExactlyAsync(4));
            });
            await EachAsync(async i =>
            {
                clients[i].Shutdown(SocketShutdown.Send);
                Assert.Empty(await servers[i].ReceiveToEndAsync());
                servers[i].Shutdown(SocketShutdown.Send);
                Assert.Empty(await clients[i].ReceiveToEndAsync());
            });
            return (before, open, await NodeCensus.AtRestAsync(lab));
        }
        finally
        {
            foreach (var socket in clients.Concat(servers)) socket?.Dispose();
        }
    }

    private static async Task<Socket> DialAsync(IPAddress address, int i)
    {
        var socket = await PodSocket.ConnectAsync("p11", address, 80);
        await socket.SendAllAsync(Number(i));
        return socket;
    }

    // Each says its number first: the order of accepting is nobody's promise.
    private static async Task AcceptAsync(Socket listener, Socket[] servers)
    {
        var reading = new List<Task>();
        for (var i = 0; i < servers.Length; i++) reading.Add(ReadNumberAsync(await listener.AcceptSoonAsync()));
        await Task.WhenAll(reading);

        async Task ReadNumberAsync(Socket socket) => servers[BinaryPrimitives.ReadInt32BigEndian(await socket.ReceiveExactlyAsync(4))] = socket;
    }

    private static async Task EachAsync(Func<int, Task> act)
    {
        var next = -1;
        await Task.WhenAll(Enumerable.Range(0, Dialers).Select(_ => Task.Run(async () =>
        {
            while (Interlocked.Increment(ref next) is var i && i < Connections) await act(i);
        })));
    }

    private static byte[] Number(int value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, value);
        return bytes;
    }
}
