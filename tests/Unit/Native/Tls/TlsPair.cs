using Ambient.Native.Tls;
using Xunit;

namespace Ambient.Tests.Unit.Native.Tls;

/// <summary>Two sessions and the bytes between them, delivered in fragments of a chosen size.</summary>
internal sealed class TlsPair(TlsContext clientContext, TlsContext serverContext, TlsTicket? ticket = null, int fragmentBytes = 16 << 10) : IDisposable
{
    private const int BufferBytes = 64 << 10;

    private readonly byte[] _output = new byte[BufferBytes];
    private readonly byte[] _toServer = new byte[4 * BufferBytes];
    private readonly byte[] _toClient = new byte[4 * BufferBytes];
    private int _toServerBytes;
    private int _toClientBytes;

    public TlsSession Client { get; } = new(clientContext, ticket);

    public TlsSession Server { get; } = new(serverContext);

    /// <summary>All ciphertext that went from client to server.</summary>
    public MemoryStream? Recording { get; init; }

    /// <summary>A pair after its handshake, which must succeed.</summary>
    public static TlsPair Established(TlsContext clientContext, TlsContext serverContext, TlsTicket? ticket = null, int fragmentBytes = 16 << 10)
    {
        var pair = new TlsPair(clientContext, serverContext, ticket, fragmentBytes);
        var (client, server) = pair.Handshake();
        Assert.True(client == TlsStep.Done && server == TlsStep.Done, $"client {client} {pair.Client.Failure}, server {server} {pair.Server.Failure}");
        return pair;
    }

    /// <summary>Takes turns until both are done or nothing moves any more.</summary>
    public (TlsStep Client, TlsStep Server) Handshake()
    {
        TlsStep client = TlsStep.NeedInput, server = TlsStep.NeedInput;
        bool moved = true;
        while (moved)
        {
            moved = client != TlsStep.Done && Step(isClient: true, ref client, handshake: true, [], out _);
            moved |= server != TlsStep.Done && Step(isClient: false, ref server, handshake: true, [], out _);
        }
        return (client, server);
    }

    /// <summary>Encrypts at one end; the bytes wait for the other end's read.</summary>
    public void Write(bool fromClient, ReadOnlySpan<byte> plaintext)
    {
        while (!plaintext.IsEmpty)
        {
            var io = new TlsIo { Output = _output };
            var step = (fromClient ? Client : Server).Write(ref io, plaintext, out int consumed);
            Assert.True(step is TlsStep.Done or TlsStep.NeedOutput, $"{step}");
            Deliver(fromClient, _output.AsSpan(0, io.Written));
            plaintext = plaintext[consumed..];
        }
    }

    /// <summary>Reads what waits for one end, as far as it goes.</summary>
    public TlsStep Read(bool atClient, Span<byte> into, out int produced)
    {
        var step = TlsStep.NeedInput;
        produced = 0;
        do
        {
            bool moved = Step(atClient, ref step, handshake: false, into[produced..], out int bytes);
            produced += bytes;
            if (!moved || step is TlsStep.PeerClosed or TlsStep.Failed)
                break;
        }
        while (produced < into.Length);
        return step;
    }

    public byte[] ReadExactly(bool atClient, int count)
    {
        byte[] bytes = new byte[count];
        Read(atClient, bytes, out int produced);
        Assert.Equal(count, produced);
        return bytes;
    }

    public TlsStep Close(bool fromClient)
    {
        var io = new TlsIo { Output = _output };
        var step = (fromClient ? Client : Server).Close(ref io);
        Deliver(fromClient, _output.AsSpan(0, io.Written));
        return step;
    }

    /// <summary>Puts bytes of the test's own on the way.</summary>
    public void Deliver(bool fromClient, ReadOnlySpan<byte> bytes)
    {
        if (fromClient)
        {
            Recording?.Write(bytes);
            bytes.CopyTo(_toServer.AsSpan(_toServerBytes));
            _toServerBytes += bytes.Length;
        }
        else
        {
            bytes.CopyTo(_toClient.AsSpan(_toClientBytes));
            _toClientBytes += bytes.Length;
        }
    }

    public void Dispose()
    {
        Client.Dispose();
        Server.Dispose();
    }

    private bool Step(bool isClient, ref TlsStep step, bool handshake, Span<byte> into, out int produced)
    {
        produced = 0;
        byte[] queue = isClient ? _toClient : _toServer;
        ref int queued = ref isClient ? ref _toClientBytes : ref _toServerBytes;
        var io = new TlsIo { Input = queue.AsSpan(0, Math.Min(fragmentBytes, queued)), Output = _output.AsSpan(0, Math.Max(fragmentBytes, 1)) };
        var session = isClient ? Client : Server;
        step = handshake ? session.Handshake(ref io) : session.Read(ref io, into, out produced);
        queue.AsSpan(io.Consumed, queued - io.Consumed).CopyTo(queue);
        queued -= io.Consumed;
        Deliver(isClient, _output.AsSpan(0, io.Written));
        return io.Consumed > 0 || io.Written > 0 || produced > 0;
    }
}
