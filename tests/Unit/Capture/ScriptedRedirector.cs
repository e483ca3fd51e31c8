using System.Net;
using System.Net.Sockets;
using Ambient.Native.Descriptors;
using Ambient.Native.Unix;
using Ambient.Protocol.Redirector.V1;
using Google.Protobuf;

namespace Ambient.Tests.Unit.Capture;

/// <summary>The other end of the channel: says what a test tells it to say, and keeps what NodeProxy says.</summary>
internal sealed class ScriptedRedirector : IDisposable
{
    private readonly SeqPacketSocket _socket;
    private readonly byte[] _packet = new byte[64 * 1024];
    private ByteString _session = ByteString.Empty;

    public ScriptedRedirector(SeqPacketSocket socket)
    {
        _socket = socket;
        _socket.SetNonBlocking(true);
    }

    public async Task<NodeHello> Greet(byte[]? state = null, ulong orderVersion = 0, uint version = 1)
    {
        var hello = (await Next(ToRedirector.BodyOneofCase.Hello)).Message.Hello;
        _session = hello.Session;
        using var memory = state is null ? null : SealedMemory.Create("state", state);
        Say(
            new ToNode { Hello = new RedirectorHello { ProtocolVersion = version, Node = "n1", BootId = "boot", HasState = state is not null, OrderVersion = orderVersion } },
            memory is null ? [] : [memory.Number]);
        return hello;
    }

    /// <summary>Hands over three listeners on loopback and answers with their addresses.</summary>
    public IPEndPoint[] GiveListeners(string uid, params ReadOnlySpan<IPAddress> namespaceHas)
    {
        var sockets = new Socket[3];
        for (int i = 0; i < 3; i++)
        {
            sockets[i] = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
            sockets[i].Bind(new IPEndPoint(IPAddress.Loopback, 0));
            sockets[i].Listen(16);
        }

        var announcement = new PodListeners { Uid = uid };
        foreach (var address in namespaceHas) announcement.Addresses.Add(ByteString.CopyFrom(address.GetAddressBytes()));
        Say(new ToNode { Listeners = announcement }, [.. sockets.Select(s => (int)s.SafeHandle.DangerousGetHandle())]);
        var addresses = sockets.Select(s => (IPEndPoint)s.LocalEndPoint!).ToArray();
        foreach (var socket in sockets) socket.Dispose();
        return addresses;
    }

    /// <summary>The hello of a Redirector that has just taken this end over and knows of no session.</summary>
    public void SayNobody()
    {
        _session = ByteString.Empty;
        Say(new ToNode { Hello = new RedirectorHello { ProtocolVersion = 1, Node = "n1" } });
    }

    public void Say(ToNode message, ReadOnlySpan<int> descriptors = default)
    {
        message.Session = _session;
        Assert.True(_socket.TrySend(message.ToByteArray(), descriptors, out var error), error.ToString());
    }

    /// <summary>The next message of a kind; others before it are passed over.</summary>
    public async Task<(ToRedirector Message, List<Descriptor> Descriptors)> Next(ToRedirector.BodyOneofCase kind)
    {
        long deadline = Environment.TickCount64 + 10_000;
        while (Environment.TickCount64 < deadline)
        {
            var descriptors = new List<Descriptor>();
            var received = _socket.Receive(_packet, descriptors);
            if (received.WouldBlock)
            {
                await Task.Delay(5);
                continue;
            }

            Assert.True(received.IsPacket, "NodeProxy closed the channel");
            var message = ToRedirector.Parser.ParseFrom(_packet, 0, received.Bytes);
            if (message.BodyCase == kind) return (message, descriptors);
            descriptors.ForEach(d => d.Dispose());
        }

        throw new TimeoutException($"NodeProxy never said {kind}");
    }

    /// <summary>Whether nothing of a kind is said for a while.</summary>
    public async Task<bool> IsSilentAbout(ToRedirector.BodyOneofCase kind, int milliseconds)
    {
        long deadline = Environment.TickCount64 + milliseconds;
        while (Environment.TickCount64 < deadline)
        {
            var descriptors = new List<Descriptor>();
            var received = _socket.Receive(_packet, descriptors);
            descriptors.ForEach(d => d.Dispose());
            if (received.IsPacket && ToRedirector.Parser.ParseFrom(_packet, 0, received.Bytes).BodyCase == kind) return false;
            await Task.Delay(5);
        }

        return true;
    }

    public void Dispose() => _socket.Dispose();
}
