using System.Net;
using System.Net.Sockets;
using Ambient.Native.Sockets;
using Xunit;

namespace Ambient.Tests.Unit.Native.Sockets;

/// <summary>Two ends of a loopback connection as bare non-blocking descriptors, owned by the socket objects.</summary>
internal sealed class TcpPair : IDisposable
{
    private readonly Socket _listener;
    private readonly Socket _left;
    private bool _isRightOpen = true;

    public TcpPair(IPAddress? address = null, IPAddress? dial = null)
    {
        address ??= IPAddress.Loopback;
        _listener = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        if (address.AddressFamily == AddressFamily.InterNetworkV6)
            _listener.DualMode = true;
        _listener.Bind(new IPEndPoint(address, 0));
        _listener.Listen(16);
        Port = ((IPEndPoint)_listener.LocalEndPoint!).Port;
        dial ??= address;
        _left = new Socket(dial.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        _left.Connect(new IPEndPoint(dial, Port));
        _left.Blocking = false;
        Right = SocketCalls.Accept((int)_listener.Handle, out var error);
        Assert.Equal(Ambient.Native.Descriptors.Errno.None, error);
    }

    public int Port { get; }

    public int Listener => (int)_listener.Handle;

    public int Left => (int)_left.Handle;

    /// <summary>The accepted end, by <see cref="SocketCalls.Accept"/>.</summary>
    public int Right { get; }

    public Socket LeftSocket => _left;

    public void ForgetRight() => _isRightOpen = false;

    public void Dispose()
    {
        if (_isRightOpen)
            SocketCalls.Close(Right);
        _left.Dispose();
        _listener.Dispose();
    }

    public static byte[] ReadAll(int fd, int count)
    {
        byte[] bytes = new byte[count];
        int got = 0;
        while (got < count)
        {
            var result = SocketCalls.Read(fd, bytes.AsSpan(got));
            if (result.WouldBlock)
            {
                Thread.Yield();
                continue;
            }
            Assert.True(result.IsOk && !result.IsEnd, $"{result}");
            got += result.Bytes;
        }
        return bytes;
    }

    /// <summary>Loopback delivers at once in practice; this asks until it has.</summary>
    public static IoResult Eventually(Func<IoResult> call)
    {
        IoResult result;
        while ((result = call()).WouldBlock)
            Thread.Yield();
        return result;
    }
}
