using Ambient.NodeProxy.Http2;
using Ambient.NodeProxy.Http2.Hpack;
using BenchmarkDotNet.Attributes;

namespace Ambient.Bench.Micro.Http2;

/// <summary>The headers of a CONNECT: as new on a connection, and as they come again. The budget is zero bytes allocated.</summary>
[MemoryDiagnoser]
public class HpackBenchmarks
{
    private readonly HeaderList _request = new();
    private readonly HeaderList _read = new();
    private readonly HpackEncoder _encoder = new();
    private readonly HpackDecoder _decoder = new();
    private readonly HpackEncoder _stateless = new(new HpackEncoderOptions { MaxTableBytes = 0 });
    private byte[] _room = [];
    private byte[] _literal = [];
    private byte[] _repeated = [];

    [GlobalSetup]
    public void Prepare()
    {
        _request.Add(":method"u8, "CONNECT"u8);
        _request.Add(":authority"u8, "10.1.2.3:8080"u8);
        _request.Add("forwarded"u8, "for=\"10.9.8.7:43210\""u8);
        _request.Add("baggage"u8, "k8s.cluster.name=c1,k8s.namespace.name=shop,k8s.deployment.name=cart,service.name=cart"u8);
        _request.Add("traceparent"u8, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"u8);
        _room = new byte[HpackEncoder.MaxEncodedLength(_request)];
        _stateless.Encode(_request, _room);     // announces the empty table once
        _literal = _room[.._stateless.Encode(_request, _room)];
        _decoder.Decode(_room.AsSpan(0, _encoder.Encode(_request, _room)), _read);
        _repeated = _room[.._encoder.Encode(_request, _room)];
    }

    [Benchmark]
    public HpackOutcome DecodeRepeatedConnect() => _decoder.Decode(_repeated, _read);

    [Benchmark]
    public HpackOutcome DecodeLiteralConnect() => _decoder.Decode(_literal, _read);

    [Benchmark]
    public int EncodeRepeatedConnect() => _encoder.Encode(_request, _room);

    [Benchmark]
    public int EncodeLiteralConnect() => _stateless.Encode(_request, _room);

    [Benchmark]
    public HeaderFault CheckConnect() => HeaderRules.CheckRequest(_request);
}
