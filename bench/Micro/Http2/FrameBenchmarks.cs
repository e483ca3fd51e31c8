using System.Buffers;
using Ambient.NodeProxy.Http2;
using BenchmarkDotNet.Attributes;

namespace Ambient.Bench.Micro.Http2;

/// <summary>
/// What framing costs on the tunnel's two kinds of traffic: 64 small requests in one read, and 64 KB of bulk. Each operation
/// is one read's worth of frames.
/// </summary>
[MemoryDiagnoser]
public class FrameBenchmarks
{
    private readonly FrameParser _parser = new(FrameParserLimits.Default, isServer: false);
    private readonly SilentSink _sink = new();
    private readonly ArrayBufferWriter<byte> _output = new(65_536);
    private byte[] _small = [];
    private byte[] _bulk = [];

    [GlobalSetup]
    public void Prepare()
    {
        _small = Frames(count: 64, length: 100);
        _bulk = Frames(count: 4, length: 16_384);
        FrameWriter.WriteSettings(_output, new Http2Settings());
        _parser.Feed(_output.WrittenSpan, _sink, 0);
    }

    [Benchmark]
    public bool Read64SmallDataFrames() => _parser.Feed(_small, _sink, 0).IsOk;

    [Benchmark]
    public bool Read64KilobytesOfData() => _parser.Feed(_bulk, _sink, 0).IsOk;

    [Benchmark]
    public bool Read64SmallDataFramesCutInTwo() =>
        _parser.Feed(_small.AsSpan(0, 3_001), _sink, 0).IsOk && _parser.Feed(_small.AsSpan(3_001), _sink, 0).IsOk;

    [Benchmark]
    public int Write64DataHeadersAndWindowUpdates()
    {
        _output.ResetWrittenCount();
        for (int i = 0; i < 64; i++)
        {
            FrameWriter.WriteDataHeader(_output.GetSpan(FrameHeader.Size), 1, 100, endStream: false);
            _output.Advance(FrameHeader.Size);
            FrameWriter.WriteWindowUpdate(_output, 0, 100);
        }

        return _output.WrittenCount;
    }

    private static byte[] Frames(int count, int length)
    {
        var output = new ArrayBufferWriter<byte>();
        for (int i = 0; i < count; i++)
        {
            FrameWriter.WriteDataHeader(output.GetSpan(FrameHeader.Size + length), 1 + 2 * i, length, endStream: false);
            output.Advance(FrameHeader.Size + length);
        }

        return output.WrittenSpan.ToArray();
    }
}
