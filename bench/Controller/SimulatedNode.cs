using System.Buffers;
using System.Buffers.Binary;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using Google.Protobuf;

namespace Ambient.Bench.Controller;

/// <summary>
/// One node's stream: TLS, HTTP/2 and gRPC as on a real node, but of what comes only version and nonce of deltas are read, and marks of
/// changes looked for; everything is acked. Small, so that the controller and not this is what is measured. Owned by one task.
/// </summary>
/// <param name="held">What it holds of another controller's word; null for nothing.</param>
internal sealed class SimulatedNode(string name, string token, NodeCounts counts, HeldView? held = null) : IDisposable
{
    private const int WindowCredit = 1 << 29;     // given back at once, seldom
    private const int EndLength = 18;             // of a fingerprint with its tag and length
    private const byte Data = 0, Headers = 1, Settings = 4, Ping = 6, GoAway = 7, WindowUpdate = 8, Reset = 3;
    private readonly byte[] _head = new byte[9];
    private readonly byte[] _message = new byte[128];   // the beginning of the message that is coming in
    private readonly byte[] _tail = new byte[EventMark.Length];
    private readonly ArrayBufferWriter<byte> _output = new();
    private Socket? _socket;
    private SslStream? _stream;
    private int _headLength, _frameLeft, _messageSeen, _messageLength = -1, _unreturned, _tailLength;
    private byte _frameType, _frameFlags;
    private ulong _id = 1;
    private bool _isInFull;
    private readonly byte[] _end = new byte[EndLength];  // of the message that is coming in

    internal string Name => name;

    /// <summary>What it holds; null for nothing.</summary>
    internal HeldView? Held { get; private set; } = held;

    /// <summary>Connects and says Hello.</summary>
    internal async Task ConnectAsync(IPEndPoint controller, IPAddress from, SslClientAuthenticationOptions tls, CancellationToken stop)
    {
        _socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        _socket.Bind(new IPEndPoint(from, 0));
        await _socket.ConnectAsync(controller, stop);
        _stream = new SslStream(new NetworkStream(_socket, ownsSocket: true));
        await _stream.AuthenticateAsClientAsync(tls, stop);

        _output.Write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8);
        Frame(Settings, 0, 0, [0, 4, 0x7f, 0xff, 0xff, 0xff]);   // SETTINGS_INITIAL_WINDOW_SIZE, RFC 9113 section 6.5.2
        Frame(WindowUpdate, 0, 0, [0x7f, 0xff, 0, 0]);
        var block = new ArrayBufferWriter<byte>();
        block.Write<byte>([0x83, 0x87]);                              // :method POST, :scheme https, RFC 7541 appendix A
        Field(block, ":path", "/ambient.discovery.v1.NodeDiscovery/Connect");
        Field(block, ":authority", "ambient-controller");
        Field(block, "content-type", "application/grpc");
        Field(block, "te", "trailers");
        Field(block, "authorization", $"Bearer {token}");
        Frame(Headers, 4, 1, block.WrittenSpan);
        Message(new Ambient.Protocol.Discovery.V1.NodeMessage
        {
            Id = _id++,
            Hello = new()
            {
                ProtocolVersion = 1, Node = name, BootId = "boot", Software = "simulated/1", TakesCompressed = true, Capabilities = { "tunnel-on-original-port" },
                HeldEpoch = Held is null ? "" : "another", HeldVersion = Held?.Version ?? 0, HeldFingerprint = Held?.Fingerprint ?? ByteString.Empty,
            },
        });
        await FlushAsync(stop);
    }

    /// <summary>Reads and acks until it is stopped or the stream ends.</summary>
    internal async Task RunAsync(CancellationToken stop)
    {
        while (true)
        {
            // A node that waits holds no buffer.
            if (await _stream!.ReadAsync(Memory<byte>.Empty, stop) > 0)
                throw new IOException("more was read than there was room for");
            var buffer = ArrayPool<byte>.Shared.Rent(64 << 10);
            try
            {
                var read = await _stream.ReadAsync(buffer, stop);
                if (read == 0)
                    throw new IOException("the controller closed the connection");
                Take(buffer.AsSpan(0, read));
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
            if (_output.WrittenCount > 0)
                await FlushAsync(stop);
        }
    }

    public void Dispose()
    {
        _stream?.Dispose();
        _socket?.Dispose();
    }

    private void Take(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            if (_frameLeft == 0)
            {
                var part = bytes[..Math.Min(9 - _headLength, bytes.Length)];
                part.CopyTo(_head.AsSpan(_headLength));
                bytes = bytes[part.Length..];
                _headLength += part.Length;
                if (_headLength < 9)
                    return;
                _headLength = 0;
                _frameLeft = (_head[0] << 16) | (_head[1] << 8) | _head[2];
                (_frameType, _frameFlags) = (_head[3], _head[4]);
                if (_frameType is Reset or GoAway || (_frameType == Headers && (_frameFlags & 1) != 0))
                    throw new IOException($"the controller ended the stream of {name} (frame type {_frameType})");
                if (_frameType == Settings && (_frameFlags & 1) == 0)
                    Frame(Settings, 1, 0, []);
                continue;
            }
            var payload = bytes[..Math.Min(_frameLeft, bytes.Length)];
            bytes = bytes[payload.Length..];
            if (_frameType == Data)
                TakeData(payload);
            else if (_frameType == Ping && (_frameFlags & 1) == 0 && payload.Length == 8)
                Frame(Ping, 1, 0, payload);
            _frameLeft -= payload.Length;
        }
    }

    private void TakeData(ReadOnlySpan<byte> bytes)
    {
        counts.Received(bytes.Length);
        _unreturned += bytes.Length;
        if (_unreturned > WindowCredit)
        {
            Span<byte> credit = stackalloc byte[4];
            BinaryPrimitives.WriteInt32BigEndian(credit, _unreturned);
            Frame(WindowUpdate, 0, 0, credit);
            Frame(WindowUpdate, 0, 1, credit);
            _unreturned = 0;
        }
        while (!bytes.IsEmpty)
        {
            // The length-prefixed message of gRPC: 1 byte of compression, 4 of length.
            if (_messageSeen < 5)
            {
                var part = bytes[..Math.Min(5 - _messageSeen, bytes.Length)];
                part.CopyTo(_message.AsSpan(_messageSeen));
                bytes = bytes[part.Length..];
                _messageSeen += part.Length;
                if (_messageSeen < 5)
                    return;
                _messageLength = BinaryPrimitives.ReadInt32BigEndian(_message.AsSpan(1)) + 5;
            }
            var body = bytes[..Math.Min(_messageLength - _messageSeen, bytes.Length)];
            bytes = bytes[body.Length..];
            if (_messageSeen < _message.Length)
                body[..Math.Min(body.Length, _message.Length - _messageSeen)].CopyTo(_message.AsSpan(_messageSeen));
            LookForMarks(body);
            NoteEnd(body);
            _messageSeen += body.Length;
            if (_messageSeen < _messageLength)
                continue;
            Whole(_message.AsSpan(5, Math.Min(_messageLength, _message.Length) - 5));
            (_messageSeen, _messageLength, _tailLength) = (0, -1, 0);
        }
    }

    private void NoteEnd(ReadOnlySpan<byte> body)
    {
        var kept = EndLength - Math.Min(body.Length, EndLength);
        _end.AsSpan(EndLength - kept).CopyTo(_end);
        body[^(EndLength - kept)..].CopyTo(_end.AsSpan(kept));
    }

    // The beginning of a ControllerMessage: 1 id; then 2 welcome, or 3 delta { 1 version; 2 nonce; 3 full; 4 more; 9 fingerprint }. A compressed part
    // has its fingerprint at the very end, and what more follows upon has there more (4) once again.
    private void Whole(ReadOnlySpan<byte> message)
    {
        var at = 0;
        if (message.Length < 2 || message[at++] != 0x08)
            return;
        Varint(message, ref at);
        if (at < message.Length && message[at] == 0x12)
            counts.Welcomed();
        if (at >= message.Length || message[at++] != 0x1a)
            return;
        Varint(message, ref at);
        if (message[at++] != 0x08)
            return;
        var version = Varint(message, ref at);
        if (message[at++] != 0x12)
            return;
        var length = (int)Varint(message, ref at);
        var nonce = message.Slice(at, length);
        at += length;
        var isFull = at + 1 < message.Length && message[at] == 0x18;
        at += isFull ? 2 : 0;
        if (isFull)
            _isInFull = true;
        var atEnd = _end is [0x4a, 0x10, ..] ? _end.AsSpan(2) : default;
        if (atEnd.IsEmpty && _end is [.., 0x20, 0x01])
            return;
        if (at + 1 < message.Length && message[at] == 0x20)
            at += 2;
        var fingerprint = atEnd.IsEmpty && at + 18 <= message.Length && message[at] == 0x4a ? message.Slice(at + 2, 16) : atEnd;
        Held = new HeldView(version, ByteString.CopyFrom(fingerprint));
        isFull = _isInFull;
        _isInFull = false;
        Message(new Ambient.Protocol.Discovery.V1.NodeMessage { Id = _id++, Ack = new() { Nonce = ByteString.CopyFrom(nonce), Version = version } });
        counts.Acked(isFull);
    }

    private void LookForMarks(ReadOnlySpan<byte> body)
    {
        if (!counts.LooksForMarks)
            return;
        // A mark may lie across two reads.
        if (_tailLength > 0)
        {
            Span<byte> joined = stackalloc byte[2 * EventMark.Length];
            _tail.AsSpan(0, _tailLength).CopyTo(joined);
            var more = Math.Min(EventMark.Length - 1, body.Length);
            body[..more].CopyTo(joined[_tailLength..]);
            Find(joined[..(_tailLength + more)], upTo: _tailLength);
        }
        Find(body, upTo: body.Length);
        _tailLength = Math.Min(EventMark.Length - 1, body.Length);
        body[^_tailLength..].CopyTo(_tail);
    }

    private void Find(ReadOnlySpan<byte> bytes, int upTo)
    {
        var at = 0;
        while (at < bytes.Length && bytes[at..].IndexOf(EventMark.Beginning) is >= 0 and var next && (at += next) < upTo)
        {
            if (bytes.Length - at < EventMark.Length)
                return;
            if (EventMark.AgeOf(bytes.Slice(at + 2, EventMark.Length - 2)) is { } age)
                counts.Told(age);
            at += EventMark.Length;
        }
    }

    private static ulong Varint(ReadOnlySpan<byte> bytes, ref int at)
    {
        ulong value = 0;
        for (var shift = 0; at < bytes.Length; shift += 7)
        {
            var b = bytes[at++];
            value |= (ulong)(b & 0x7f) << shift;
            if (b < 0x80)
                break;
        }
        return value;
    }

    private void Message(Ambient.Protocol.Discovery.V1.NodeMessage message)
    {
        var size = message.ToByteArray();
        var framed = new byte[5 + size.Length];
        BinaryPrimitives.WriteInt32BigEndian(framed.AsSpan(1), size.Length);
        size.CopyTo(framed, 5);
        Frame(Data, 0, 1, framed);
    }

    private void Frame(byte type, byte flags, int stream, ReadOnlySpan<byte> payload)
    {
        var room = _output.GetSpan(9 + payload.Length);
        (room[0], room[1], room[2], room[3], room[4]) = ((byte)(payload.Length >> 16), (byte)(payload.Length >> 8), (byte)payload.Length, type, flags);
        BinaryPrimitives.WriteInt32BigEndian(room[5..], stream);
        payload.CopyTo(room[9..]);
        _output.Advance(9 + payload.Length);
    }

    // A literal field without indexing and without Huffman coding, RFC 7541 section 6.2.2.
    private static void Field(ArrayBufferWriter<byte> block, string name, string value)
    {
        block.Write<byte>([0]);
        Text(block, name);
        Text(block, value);

        static void Text(ArrayBufferWriter<byte> block, string text)
        {
            var rest = text.Length - 127;
            block.Write<byte>([(byte)Math.Min(text.Length, 127)]);
            for (; rest >= 0; rest = rest >= 128 ? rest >> 7 : -1)
                block.Write<byte>([(byte)(rest >= 128 ? (rest & 127) | 128 : rest)]);
            block.Write(Encoding.ASCII.GetBytes(text));
        }
    }

    private async Task FlushAsync(CancellationToken stop)
    {
        await _stream!.WriteAsync(_output.WrittenMemory, stop);
        _output.Clear();
    }
}

/// <summary>What a node holds, as it says to the next controller.</summary>
internal sealed record HeldView(ulong Version, ByteString Fingerprint);
