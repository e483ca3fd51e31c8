using System.Buffers.Binary;
using System.Text;
using Ambient.NodeProxy.Http2;
using Ambient.NodeProxy.Http2.Hpack;
using Ambient.Protocol.Model;

namespace Ambient.NodeProxy.Inbound.Probes;

/// <summary>Judges a client's frames: one unary call of the health service with a declared argument, and nothing that asks for more.</summary>
internal sealed class HealthCall : IFrameSink
{
    private const int MessagePrefix = 5;

    private readonly byte[][] _expected;
    private readonly byte[] _message;
    private int _received;
    private int _stream;
    private bool _isWhole;

    public HealthCall(IReadOnlyList<Probe> declared)
    {
        _expected = [.. declared.Select(probe => MessageOf(probe.Service))];
        _message = new byte[_expected.Max(message => message.Length)];
    }

    /// <summary>What was wrong, for a person; null while nothing is.</summary>
    public string? Fault { get; private set; }

    /// <summary>The call has begun, and its message has not been read to the end.</summary>
    public bool IsPending => _stream != 0 && !_isWhole;

    /// <summary>A HealthCheckRequest as it crosses the wire: not compressed, its length, then field 1 if it is not empty.</summary>
    internal static byte[] MessageOf(string service)
    {
        byte[] name = Encoding.UTF8.GetBytes(service);
        var body = new List<byte>();
        if (name.Length > 0)
        {
            body.Add(0x0a);
            for (uint rest = (uint)name.Length; ; rest >>= 7)
            {
                body.Add((byte)(rest < 0x80 ? rest : rest | 0x80));
                if (rest < 0x80) break;
            }

            body.AddRange(name);
        }

        byte[] message = new byte[MessagePrefix + body.Count];
        BinaryPrimitives.WriteInt32BigEndian(message.AsSpan(1), body.Count);
        body.CopyTo(message, MessagePrefix);
        return message;
    }

    Http2ErrorCode IFrameSink.OnHeaders(int streamId, HeaderList headers, bool endStream)
    {
        if (_stream != 0) return Refuse("a probe is one call");
        if (HeaderRules.CheckRequest(headers) is var fault and not HeaderFault.None) return Refuse(HeaderRules.Explain(fault));
        if (!Is(headers, ":method"u8, "POST"u8) || !Is(headers, ":path"u8, "/grpc.health.v1.Health/Check"u8)) return Refuse("it is not grpc.health.v1.Health/Check");
        if (!headers.TryFind("content-type"u8, out var type) || !type.StartsWith("application/grpc"u8)) return Refuse("it is not gRPC");
        if (endStream) return Refuse("it has no message");
        _stream = streamId;
        return Http2ErrorCode.NoError;
    }

    Http2ErrorCode IFrameSink.OnData(int streamId, ReadOnlySpan<byte> chunk, int flowControlled, bool endStream)
    {
        if (streamId != _stream || _isWhole) return Refuse("a probe is one call with one message");
        if (chunk.Length > _message.Length - _received) return Refuse("its message is longer than what the spec declares");
        chunk.CopyTo(_message.AsSpan(_received));
        _received += chunk.Length;
        _isWhole = endStream;
        foreach (byte[] message in _expected)
        {
            if (_isWhole ? _message.AsSpan(0, _received).SequenceEqual(message) : message.AsSpan().StartsWith(_message.AsSpan(0, _received)))
                return Http2ErrorCode.NoError;
        }

        return Refuse("it asks for another service than the spec declares");
    }

    Http2ErrorCode IFrameSink.OnHeadersRefused(int streamId, string reason) => Refuse(reason);

    Http2ErrorCode IFrameSink.OnSettings(in Http2Settings settings) => Http2ErrorCode.NoError;

    Http2ErrorCode IFrameSink.OnSettingsAck() => Http2ErrorCode.NoError;

    Http2ErrorCode IFrameSink.OnPing(ulong opaque, bool ack) => Http2ErrorCode.NoError;

    Http2ErrorCode IFrameSink.OnGoAway(int lastStreamId, Http2ErrorCode code, ReadOnlySpan<byte> debug) => Http2ErrorCode.NoError;

    Http2ErrorCode IFrameSink.OnReset(int streamId, Http2ErrorCode code) => Http2ErrorCode.NoError;

    Http2ErrorCode IFrameSink.OnWindowUpdate(int streamId, int increment) => Http2ErrorCode.NoError;

    private static bool Is(HeaderList headers, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value) =>
        headers.TryFind(name, out var found) && found.SequenceEqual(value);

    private Http2ErrorCode Refuse(string fault)
    {
        Fault ??= fault;
        return Http2ErrorCode.RefusedStream;
    }
}
