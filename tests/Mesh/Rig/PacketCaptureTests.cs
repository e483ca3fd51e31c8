using System.Net.Sockets;
using System.Text;
using Ambient.Cli.Lab;
using Ambient.Tests.Mesh.Redirector;

namespace Ambient.Tests.Mesh.Rig;

/// <summary>The capture by which other tests prove that something is never sent: it has to see all there is.</summary>
public sealed class PacketCaptureTests
{
    private const int Port = 8080, Times = 4000;

    [Fact]
    public async Task A_capture_has_every_byte_that_a_link_sends_and_receives_and_nothing_of_another_link()
    {
        Machine.Offers("ip");
        using var net = new PodNet();
        var pod = net.Add();
        using var listener = pod.Listen(Port);
        using var capture = await PacketCapture.StartAsync(pod.Name, "eth0");
        using var elsewhere = await PacketCapture.StartAsync(pod.Name, "lo");
        string sent = $"sent-{Guid.NewGuid():N}", received = $"received-{Guid.NewGuid():N}";

        using (var client = Redirector.Pod.Dial(pod.Address, Port)!)
        using (var server = await listener.AcceptSoonAsync())
        {
            // Some packets are full of it, as bulk between veths is: up to 64 KB each.
            await Task.WhenAll(SayAsync(server, client, sent), SayAsync(client, server, received));
        }

        var found = await capture.StopAsync(sent, received);
        Assert.All(found, one => Assert.InRange(one.PacketsFound, 1, one.Packets));
        Assert.InRange(found[0].BytesFound, sent.Length * Times, found[0].Bytes);
        Assert.InRange(found[1].BytesFound, received.Length * Times, found[1].Bytes);
        Assert.All(await elsewhere.StopAsync(sent, received), one => Assert.Equal(0, one.PacketsFound));
    }

    [Fact]
    public async Task A_link_that_is_not_there_is_named()
    {
        Machine.Offers("ip");
        using var net = new PodNet();
        var pod = net.Add();
        var fault = await Assert.ThrowsAsync<LabException>(() => PacketCapture.StartAsync(pod.Name, "eth7"));
        Assert.Contains("eth7", fault.Message, StringComparison.Ordinal);
        Assert.Contains(pod.Name, fault.Message, StringComparison.Ordinal);
    }

    private static async Task SayAsync(Socket from, Socket to, string text)
    {
        byte[] bytes = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat(text, Times)));
        var sending = from.SendAllAsync(bytes);
        Assert.Equal(bytes, await to.ReceiveExactlyAsync(bytes.Length));
        await sending;
    }
}
