using System.Net;
using System.Net.Sockets;
using Ambient.Native.Tls;

namespace Ambient.Tests.Unit.Native.Tls;

/// <summary>A session on a blocking stream, for talking to implementations that are not ours.</summary>
internal sealed class TlsOverStream(TlsSession session, Stream stream) : IDisposable
{
    private readonly byte[] _input = new byte[32 << 10];
    private readonly byte[] _output = new byte[128 << 10];
    private int _waiting;

    public TlsSession Session => session;

    public TlsStep Handshake()
    {
        while (true)
        {
            var io = NewIo();
            var step = session.Handshake(ref io);
            Settle(io);
            if (step is TlsStep.Done or TlsStep.Failed) return step;
            if (step == TlsStep.NeedInput && !Fill()) return step;
        }
    }

    public void Write(ReadOnlySpan<byte> plaintext)
    {
        while (!plaintext.IsEmpty)
        {
            var io = NewIo();
            Assert.NotEqual(TlsStep.Failed, session.Write(ref io, plaintext, out int consumed));
            Settle(io);
            plaintext = plaintext[consumed..];
        }
    }

    public TlsStep Read(Span<byte> into, out int produced)
    {
        while (true)
        {
            var io = NewIo();
            var step = session.Read(ref io, into, out produced);
            Settle(io);
            if (step != TlsStep.NeedOutput && (step != TlsStep.NeedInput || !Fill())) return step;
        }
    }

    /// <summary>Waits for bytes of the peer that hold nothing for the application.</summary>
    public void TakeSilently()
    {
        Assert.True(Fill());
        var io = NewIo();
        Assert.Equal(TlsStep.NeedInput, session.Read(ref io, new byte[1], out _));
        Settle(io);
    }

    public byte[] ReadExactly(int count)
    {
        byte[] bytes = new byte[count];
        for (int got = 0; got < count;)
        {
            var step = Read(bytes.AsSpan(got), out int produced);
            Assert.True(step == TlsStep.Done, $"{step} {session.Failure} after {got} of {count} bytes");
            got += produced;
        }
        return bytes;
    }

    public void Close()
    {
        var io = NewIo();
        Assert.Equal(TlsStep.Done, session.Close(ref io));
        Settle(io);
    }

    public void Dispose()
    {
        session.Dispose();
        stream.Dispose();
    }

    /// <summary>Two streams of a loopback connection whose reads give up after a while.</summary>
    public static (NetworkStream Left, NetworkStream Right) Loopback()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        var left = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        left.Connect(listener.LocalEndPoint!);
        return (Stream(left), Stream(listener.Accept()));
    }

    public static NetworkStream Stream(Socket socket)
    {
        socket.ReceiveTimeout = socket.SendTimeout = 20_000;
        return new NetworkStream(socket, ownsSocket: true);
    }

    private TlsIo NewIo() => new() { Input = _input.AsSpan(0, _waiting), Output = _output };

    private void Settle(TlsIo io)
    {
        _input.AsSpan(io.Consumed, _waiting - io.Consumed).CopyTo(_input);
        _waiting -= io.Consumed;
        if (io.Written > 0) stream.Write(io.Output[..io.Written]);
    }

    private bool Fill()
    {
        int bytes = stream.Read(_input.AsSpan(_waiting));
        _waiting += bytes;
        return bytes > 0;
    }
}
