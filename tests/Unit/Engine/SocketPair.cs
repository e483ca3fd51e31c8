using System.Net;
using System.Net.Sockets;
using Ambient.NodeProxy.Engine;

namespace Ambient.Tests.Unit.Engine;

/// <summary>A loopback TCP connection: one end is a plain .NET socket, the other lives on a loop.</summary>
internal sealed class SocketPair : IDisposable
{
    private SocketPair(Socket outside, int insideFd)
    {
        Outside = outside;
        InsideFd = insideFd;
    }

    public Socket Outside { get; }

    public int InsideFd { get; }

    public static async Task<SocketPair> Connect()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(1);
        var outside = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        var accepting = listener.AcceptAsync();
        await outside.ConnectAsync(listener.LocalEndPoint!);
        var inside = await accepting;
        inside.Blocking = false;
        int fd = (int)inside.SafeHandle.DangerousGetHandle();
        inside.SafeHandle.SetHandleAsInvalid(); // the loop closes it
        return new SocketPair(outside, fd);
    }

    public void Dispose() => Outside.Dispose();
}
