using Ambient.NodeProxy.Http2;
using Ambient.Protocol.Model;

namespace Ambient.NodeProxy.Inbound.Probes;

/// <summary>
/// Lets one call of <c>grpc.health.v1.Health/Check</c> through. The client's own settings, windows and pings pass frame by frame, each
/// read whole, for both sides need them; the call passes once its message was read to the end, for an app may answer what it has seen
/// the head of. A second call, trailers, and any frame that we do not know are refused. Source: RFC 9113; the gRPC over HTTP/2 protocol description; grpc/health/v1/health.proto.
/// </summary>
/// <param name="declared">At least one.</param>
/// <param name="mostBytes">Largest frame that passes, and most that all of them together may have times <see cref="FramesOfRoom"/>.</param>
internal sealed class GrpcProbeReader(IReadOnlyList<Probe> declared, int mostBytes) : IFirstBytesReader
{
    private const int FramesOfRoom = 4;

    private readonly FrameParser _parser = new(FrameParserLimits.Default, isServer: true);
    private readonly HealthCall _call = new(declared);
    private bool _hasPreface;
    private int _passed;
    private int _held;   // of the bytes that will be shown next, how many were read already: the call's, which is not whole yet

    /// <inheritdoc/>
    public int MostBytes => mostBytes;

    /// <inheritdoc/>
    public Look Read(ReadOnlySpan<byte> bytes, bool isAll)
    {
        if (bytes.IsEmpty) return _parser.IsBetweenFrames ? Look.PassAll : Look.Refuse("the probe ended within a frame");
        int read = _held, passing = 0;
        while (TryMeasure(bytes[read..], out int next))
        {
            if (read + _passed > 0 && FrameHeader.Parse(bytes[read..]).Type > FrameType.Continuation) return Look.Refuse("a frame of a kind that no probe needs");
            // Time is of no concern: the sum of all frames is bounded, and with it what a flood of them could cost.
            var outcome = _parser.Feed(bytes.Slice(read, next), _call, nowTicks: 0);
            if (!outcome.IsOk) return Look.Refuse($"not the call of a probe: {_call.Fault ?? outcome.Reason}");
            read += next;
            if (!_call.IsPending) passing = read;
        }

        _passed += passing;
        _held = read - passing;
        if (_passed > FramesOfRoom * mostBytes) return Look.Refuse("a probe is one call, and the client sent much more");
        if (passing > 0) return Look.Pass(passing);
        return isAll ? Look.Refuse("the probe is cut off, or longer than any needs to be") : Look.More;
    }

    // The next thing that passes as a whole: the preface, then frames.
    private bool TryMeasure(ReadOnlySpan<byte> bytes, out int length)
    {
        if (!_hasPreface)
        {
            length = FrameWriter.Preface.Length;
            return _hasPreface = bytes.Length >= length;
        }

        length = 0;
        if (bytes.Length < FrameHeader.Size) return false;
        length = FrameHeader.Size + FrameHeader.Parse(bytes).Length;
        return bytes.Length >= length;
    }
}
