using System.Net;
using System.Net.Sockets;
using Ambient.Native.Namespaces;
using Ambient.Protocol.Redirector.V1;
using Google.Protobuf;

namespace Ambient.Tests.Mesh.Redirector;

/// <summary>A pod's namespace, and what an app in it would do.</summary>
internal sealed record Pod(string Name, IPAddress Address, IPAddress AddressV6)
{
    public string Uid => "uid-" + Name;

    public string Path => "/run/netns/" + Name;

    public CapturedPod Ordered => new()
    {
        Uid = Uid, Namespace = "shop", Name = Name, NetnsPath = Path,
        Addresses = { ByteString.CopyFrom(Address.GetAddressBytes()), ByteString.CopyFrom(AddressV6.GetAddressBytes()) },
    };

    /// <summary>Runs code on a thread inside the namespace.</summary>
    public T Inside<T>(Func<T> work)
    {
        T result = default!;
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                using var entry = new NamespaceEntry();
                Assert.True(NetworkNamespace.TryOpen(Path, out var opened, out string reason), reason);
                using (opened)
                    result = entry.Run(opened!, work);
            }
            catch (Exception e)
            {
                failure = e;
            }
        });
        thread.Start();
        thread.Join();
        return failure is null ? result : throw new InvalidOperationException(failure.Message, failure);
    }

    public string Nft(params string[] arguments) => Command.Run("ip", ["netns", "exec", Name, "nft", .. arguments]);

    public bool HasTable => Command.TryRun("ip", "netns", "exec", Name, "nft", "list", "table", "inet", "ambient").ExitCode == 0;

    /// <summary>A listener of an app, on all addresses.</summary>
    public Socket Listen(int port) => Inside(() =>
    {
        var socket = new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp) { DualMode = true };
        socket.Bind(new IPEndPoint(IPAddress.IPv6Any, port));
        socket.Listen(100);
        return socket;
    });

    /// <summary>Connects from inside; null when that takes more than a second or is refused.</summary>
    public Socket? Connect(IPAddress address, int port) => Inside(() => Dial(address, port));

    /// <summary>Connects from the calling thread's namespace.</summary>
    public static Socket? Dial(IPAddress address, int port)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (socket.ConnectAsync(address, port).Wait(TimeSpan.FromSeconds(1)))
                return socket;
        }
        catch (AggregateException)
        {
            // Refused or unreachable: as good as no connection.
        }
        socket.Dispose();
        return null;
    }
}
