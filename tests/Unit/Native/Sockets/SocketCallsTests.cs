using System.Net;
using System.Net.Sockets;
using Ambient.Native.Descriptors;
using Ambient.Native.Sockets;
using Xunit;

namespace Ambient.Tests.Unit.Native.Sockets;

public sealed class SocketCallsTests
{
    [Fact]
    public void Bytes_written_at_one_end_are_read_at_the_other()
    {
        using var pair = new TcpPair();

        Assert.Equal(new IoResult(5, Errno.None), SocketCalls.Write(pair.Left, "hello"u8));

        Assert.Equal("hello"u8.ToArray(), TcpPair.ReadAll(pair.Right, 5));
    }

    [Theory]
    [InlineData(0, 7)]
    [InlineData(7, 0)]
    [InlineData(3, 4)]
    public void Two_runs_are_written_as_one_in_order(int first, int second)
    {
        using var pair = new TcpPair();
        byte[] bytes = "ABCDEFG"u8.ToArray();

        Assert.Equal(7, SocketCalls.Write(pair.Left, bytes.AsSpan(0, first), bytes.AsSpan(first, second)).Bytes);

        Assert.Equal(bytes, TcpPair.ReadAll(pair.Right, 7));
    }

    [Fact]
    public void A_read_with_nothing_there_would_block()
    {
        using var pair = new TcpPair();

        var result = SocketCalls.Read(pair.Right, new byte[1]);

        Assert.True(result.WouldBlock);
        Assert.False(result.IsOk);
        Assert.False(result.IsEnd);
    }

    [Fact]
    public void A_peeked_byte_is_read_again()
    {
        using var pair = new TcpPair();
        SocketCalls.Write(pair.Left, "x"u8);
        byte[] peeked = new byte[4];

        var result = TcpPair.Eventually(() => SocketCalls.Peek(pair.Right, peeked));

        Assert.Equal(1, result.Bytes);
        Assert.Equal((byte)'x', peeked[0]);
        Assert.Equal("x"u8.ToArray(), TcpPair.ReadAll(pair.Right, 1));
    }

    [Fact]
    public void A_write_into_full_buffers_takes_some_and_then_would_block()
    {
        using var pair = new TcpPair();
        byte[] bytes = new byte[1 << 20];
        IoResult result;
        long taken = 0;
        while ((result = SocketCalls.Write(pair.Left, bytes)).IsOk)
            taken += result.Bytes;

        Assert.True(result.WouldBlock);
        Assert.True(taken > 0);
    }

    [Fact]
    public void Half_a_close_is_the_end_of_one_direction_only()
    {
        using var pair = new TcpPair();

        Assert.Equal(Errno.None, SocketCalls.ShutdownWrite(pair.Left));

        Assert.True(TcpPair.Eventually(() => SocketCalls.Read(pair.Right, new byte[1])).IsEnd);
        Assert.Equal(2, SocketCalls.Write(pair.Right, "ok"u8).Bytes);
        Assert.Equal("ok"u8.ToArray(), TcpPair.ReadAll(pair.Left, 2));
    }

    [Fact]
    public void A_close_with_reset_is_a_reset_for_the_peer_and_never_an_end()
    {
        using var pair = new TcpPair();
        pair.ForgetRight();

        SocketCalls.CloseWithReset(pair.Right);

        Assert.Equal(Errno.ConnectionReset, TcpPair.Eventually(() => SocketCalls.Read(pair.Left, new byte[1])).Error);
    }

    [Fact]
    public void A_write_to_a_closed_connection_is_an_error_and_no_signal()
    {
        using var pair = new TcpPair();
        SocketCalls.ShutdownWrite(pair.Left);

        Assert.Equal(Errno.BrokenPipe, SocketCalls.Write(pair.Left, "x"u8).Error);
        Assert.Equal(Errno.BrokenPipe, SocketCalls.Write(pair.Left, "x"u8, "y"u8).Error);
    }

    [Fact]
    public void An_empty_read_is_a_bug_of_the_caller() =>
        Assert.Throws<ArgumentException>(() => SocketCalls.Read(0, []));

    [Fact]
    public void An_empty_queue_of_connections_would_block()
    {
        using var pair = new TcpPair();
        new Socket(new SafeSocketHandle(pair.Listener, ownsHandle: false)) { Blocking = false }.Dispose();

        Assert.Equal(-1, SocketCalls.Accept(pair.Listener, out var error));
        Assert.Equal(Errno.WouldBlock, error);
    }

    [Fact]
    public void A_connect_is_in_progress_and_then_without_error()
    {
        using var pair = new TcpPair();
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
        int fd = (int)socket.Handle;

        var error = SocketCalls.Connect(fd, new IPEndPoint(IPAddress.Loopback, pair.Port));

        Assert.True(error is Errno.InProgress or Errno.None, $"{error}");
        socket.Poll(TimeSpan.FromSeconds(10), SelectMode.SelectWrite);
        Assert.Equal(Errno.None, SocketCalls.TakeError(fd));
    }

    [Fact]
    public void A_refused_connect_says_so_once()
    {
        using var bound = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        bound.Bind(new IPEndPoint(IPAddress.Loopback, 0));          // bound, not listening: nobody else can get the port
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
        int fd = (int)socket.Handle;

        var error = SocketCalls.Connect(fd, (IPEndPoint)bound.LocalEndPoint!);
        if (error == Errno.InProgress)
        {
            socket.Poll(TimeSpan.FromSeconds(10), SelectMode.SelectWrite);
            error = SocketCalls.TakeError(fd);
        }

        Assert.Equal(Errno.ConnectionRefused, error);
        Assert.Equal(Errno.None, SocketCalls.TakeError(fd));
    }

    [Fact]
    public void A_v4_address_on_a_v6_socket_is_mapped_for_bind_and_connect()
    {
        using var pair = new TcpPair(IPAddress.IPv6Any, IPAddress.Loopback);
        using var socket = new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp) { DualMode = true, Blocking = false };
        int fd = (int)socket.Handle;

        Assert.Equal(Errno.None, SocketCalls.Bind(fd, new IPEndPoint(IPAddress.Parse("127.0.0.9"), 0)));
        var error = SocketCalls.Connect(fd, new IPEndPoint(IPAddress.Loopback, pair.Port));

        Assert.True(error is Errno.InProgress or Errno.None, $"{error}");
        Assert.True(SocketCalls.TryGetLocalAddress(fd, out var local));
        Assert.Equal(IPAddress.Parse("127.0.0.9"), local.Address);
    }

    [Fact]
    public void A_mapped_address_on_a_v4_socket_is_the_v4_address_and_a_v6_one_has_no_form()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        int fd = (int)socket.Handle;

        Assert.Equal(Errno.AddressFamilyNotSupported, SocketCalls.Bind(fd, new IPEndPoint(IPAddress.IPv6Loopback, 0)));
        Assert.Equal(Errno.None, SocketCalls.Bind(fd, new IPEndPoint(IPAddress.Parse("::ffff:127.0.0.1"), 0)));
        Assert.True(SocketCalls.TryGetLocalAddress(fd, out var local));
        Assert.Equal(IPAddress.Loopback, local.Address);
    }

    [Theory]
    [InlineData("127.0.0.1", "127.0.0.1")]
    [InlineData("::", "127.0.0.1")]
    [InlineData("::1", "::1")]
    public void Addresses_of_both_ends_are_read_without_the_mapped_form(string listen, string dial)
    {
        Assert.SkipWhen(listen.Contains(':') && !Socket.OSSupportsIPv6, "This machine has no IPv6.");
        using var pair = new TcpPair(IPAddress.Parse(listen), IPAddress.Parse(dial));

        Assert.True(SocketCalls.TryGetLocalAddress(pair.Right, out var local));
        Assert.True(SocketCalls.TryGetRemoteAddress(pair.Right, out var remote));

        Assert.Equal(new IPEndPoint(IPAddress.Parse(dial), pair.Port), local);
        Assert.Equal(pair.LeftSocket.LocalEndPoint, remote);
    }

    [Fact]
    public void The_original_destination_of_a_connection_that_was_not_redirected_is_its_local_address_or_unknown()
    {
        using var pair = new TcpPair(IPAddress.IPv6Any, IPAddress.Loopback);

        if (SocketCalls.TryGetOriginalDestination(pair.Right, out var destination))
            Assert.Equal(new IPEndPoint(IPAddress.Loopback, pair.Port), destination);
    }

    [Fact]
    public void What_is_no_socket_has_no_addresses_and_takes_no_options()
    {
        using var file = File.OpenHandle("/dev/null");
        int fd = (int)file.DangerousGetHandle();

        Assert.False(SocketCalls.TryGetLocalAddress(fd, out _));
        Assert.False(SocketCalls.TryGetRemoteAddress(fd, out _));
        Assert.False(SocketCalls.TryGetOriginalDestination(fd, out _));
        Assert.Equal((Errno)88 /* ENOTSOCK */, SocketCalls.Bind(fd, new IPEndPoint(IPAddress.Loopback, 0)));
        Assert.Throws<SystemCallException>(() => SocketCalls.SetNoDelay(fd));
    }

    [Fact]
    public void Options_are_set_as_asked()
    {
        using var pair = new TcpPair();

        SocketCalls.SetNoDelay(pair.Left);
        SocketCalls.SetKeepAlive(pair.Left, idleSeconds: 30, intervalSeconds: 5, probes: 3);
        SocketCalls.SetUserTimeout(pair.Left, 12_345);

        Assert.Equal(1, (int)pair.LeftSocket.GetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.NoDelay)!);
        Assert.Equal(1, (int)pair.LeftSocket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive)!);
        Assert.Equal(30, (int)pair.LeftSocket.GetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime)!);
        Assert.Equal(5, (int)pair.LeftSocket.GetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval)!);
        Assert.Equal(3, (int)pair.LeftSocket.GetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount)!);
        byte[] timeout = new byte[4];
        pair.LeftSocket.GetRawSocketOption(6, 18, timeout);
        Assert.Equal(12_345, BitConverter.ToInt32(timeout));
        Assert.Throws<SystemCallException>(() => SocketCalls.SetUserTimeout(pair.Left, -1));
    }

    [Fact]
    public void Reading_and_writing_allocate_nothing()
    {
        using var pair = new TcpPair();
        byte[] buffer = new byte[64];
        Exchange(2_000);

        long before = GC.GetAllocatedBytesForCurrentThread();
        Exchange(2_000);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());

        void Exchange(int rounds)
        {
            for (int i = 0; i < rounds; i++)
            {
                SocketCalls.Write(pair.Left, buffer.AsSpan(0, 10), buffer.AsSpan(10, 5));
                SocketCalls.Write(pair.Left, buffer.AsSpan(0, 17));
                SocketCalls.Peek(pair.Right, buffer);
                for (int got = 0; got < 32;)
                    got += SocketCalls.Read(pair.Right, buffer.AsSpan(0, 32 - got)).Bytes;
                SocketCalls.Read(pair.Right, buffer);
                SocketCalls.Accept(pair.Right, out _);
            }
        }
    }
}
