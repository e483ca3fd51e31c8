using System.Net;
using System.Net.Sockets;
using Ambient.NodeProxy.Capture;
using Ambient.NodeProxy.Engine;
using Ambient.Tests.Unit.Engine;

namespace Ambient.Tests.Unit.Capture;

/// <summary>What one pod may take of a process: connections on their way, descriptors, turns of a loop.</summary>
public sealed class PodShareTests
{
    [Fact]
    public async Task Connections_beyond_the_bound_wait_in_the_backlog_and_are_taken_when_there_is_room()
    {
        await using var loop = new TestLoop();
        using var socket = Listen();
        var capacity = new NodeCapacity(1);
        var pod = new PodOnLoop("uid", loop.Loop, new NoSockets(), capacity);
        var accepted = new List<int>();
        var users = new List<User>();
        Listener listener = null!;
        await loop.Run(() =>
        {
            listener = new Listener(loop.Loop, (int)socket.SafeHandle.DangerousGetHandle(), Take, _ => { }, () => pod.MayOpen(PodUse.OpeningOut));
            pod.RoomAgain = _ => listener.Resume();
            listener.Start();
        });
        var clients = new List<Socket>();
        for (int i = 0; i < PodOnLoop.MaxOpening + 100; i++) clients.Add(await ConnectAsync(socket));

        // All connected, as far as the apps can tell; a thousand are being opened here, the others wait.
        await loop.Until(() => accepted.Count == PodOnLoop.MaxOpening, "the bound is reached");
        await Task.Delay(50);
        Assert.Equal(PodOnLoop.MaxOpening, await loop.Run(() => accepted.Count));
        Assert.Equal(1, capacity.Holds);
        Assert.Equal(2 * PodOnLoop.MaxOpening, capacity.Held);

        // Room for one makes no start: a quarter has to be free.
        await loop.Run(() => Leave(1));
        await Task.Delay(50);
        Assert.Equal(PodOnLoop.MaxOpening, await loop.Run(() => accepted.Count));
        await loop.Run(() => Leave(PodOnLoop.MaxOpening / 4));
        await loop.Until(() => accepted.Count == PodOnLoop.MaxOpening + 100, "those that waited are taken");

        await loop.Run(() =>
        {
            Leave(users.Count);
            listener.Stop();
            foreach (int fd in accepted) Ambient.Native.Sockets.SocketCalls.Close(fd);
            pod.End("the test is over");
        });
        foreach (var client in clients) client.Dispose();
        Assert.Equal(0, capacity.Held);

        void Take(int fd)
        {
            accepted.Add(fd);
            var user = new User();
            users.Add(user);
            pod.Add(user, PodUse.OpeningOut);
        }

        void Leave(int count)
        {
            foreach (var user in users[..count]) pod.Remove(user);
            users.RemoveRange(0, count);
        }
    }

    [Fact]
    public async Task A_flooded_listener_has_its_turn_and_then_the_others_have_theirs()
    {
        await using var loop = new TestLoop();
        using var flooded = Listen();
        using var calm = Listen();
        var clients = new List<Socket>();
        for (int i = 0; i < 500; i++) clients.Add(await ConnectAsync(flooded));
        clients.Add(await ConnectAsync(calm));
        int before = -1, floods = 0;
        var fds = new List<int>();
        await loop.Run(() =>
        {
            var listeners = new[]
            {
                new Listener(loop.Loop, (int)flooded.SafeHandle.DangerousGetHandle(), fd => { floods++; fds.Add(fd); }, _ => { }, () => true),
                new Listener(loop.Loop, (int)calm.SafeHandle.DangerousGetHandle(), fd => { before = floods; fds.Add(fd); }, _ => { }, () => true),
            };
            foreach (var listener in listeners) listener.Start();
            loop.Loop.Post(() => Again(listeners));
        });
        await loop.Until(() => floods == 500 && before >= 0, "all are accepted");
        Assert.InRange(before, 0, 32);
        await loop.Run(() => fds.ForEach(Ambient.Native.Sockets.SocketCalls.Close));
        foreach (var client in clients) client.Dispose();

        void Again(Listener[] listeners)
        {
            if (floods < 500 || before < 0) loop.Loop.Post(() => Again(listeners));
            else foreach (var listener in listeners) listener.Stop();
        }
    }

    [Fact]
    public async Task What_a_pod_holds_is_counted_on_its_own_account_and_a_guest_costs_its_host_nothing()
    {
        await using var loop = new TestLoop();
        var capacity = new NodeCapacity(1);
        await loop.Run(() =>
        {
            capacity.SetDescriptorLimit(1_000);
            var greedy = new PodOnLoop("greedy", loop.Loop, new NoSockets(), capacity);
            var host = new PodOnLoop("host", loop.Loop, new NoSockets(), capacity);
            var users = new List<User>();
            while (greedy.Admit() == Admission.Open)
            {
                var user = new User();
                users.Add(user);
                greedy.Add(user, PodUse.Open);
                host.Add(user, PodUse.Guest);
            }

            Assert.Equal(Admission.PodAtShare, greedy.Admit());
            Assert.Equal(Admission.Open, host.Admit());
            Assert.InRange(capacity.Held, 630, 650); // four fifths of four fifths of a thousand
            foreach (var user in users)
            {
                greedy.Remove(user);
                host.Remove(user);
                host.Remove(user); // a second time changes nothing
            }

            Assert.Equal(0, capacity.Held);
            Assert.Equal(Admission.Open, greedy.Admit());
            greedy.End("the test is over");
            host.End("the test is over");
        });
    }

    private static Socket Listen()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        socket.Listen(4096);
        socket.Blocking = false;
        return socket;
    }

    private static async Task<Socket> ConnectAsync(Socket to)
    {
        var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync(to.LocalEndPoint!);
        return client;
    }

    private sealed class NoSockets : ISocketRequester
    {
        public void Request(string uid, int count, SocketStock stock)
        {
        }
    }

    private sealed class User : IPodUser
    {
        public int Descriptors => 2;

        public void Cut(string reason)
        {
        }
    }
}
