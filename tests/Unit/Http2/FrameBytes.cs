using System.Buffers;
using Ambient.NodeProxy.Http2;

namespace Ambient.Tests.Unit.Http2;

/// <summary>Builds what a peer sends, right or wrong, frame by frame.</summary>
internal sealed class FrameBytes
{
    private readonly ArrayBufferWriter<byte> _output = new();

    public static FrameBytes FromServer() => new FrameBytes().Settings();

    public static FrameBytes FromClient() => new FrameBytes().Raw(FrameWriter.Preface.ToArray()).Settings();

    public FrameBytes Settings(params byte[] payload) => Frame(FrameType.Settings, 0, 0, payload);

    public FrameBytes Frame(FrameType type, int flags, int streamId, params byte[] payload)
    {
        Span<byte> room = _output.GetSpan(FrameHeader.Size);
        new FrameHeader(payload.Length, type, (FrameFlags)flags, streamId).WriteTo(room);
        _output.Advance(FrameHeader.Size);
        return Raw(payload);
    }

    public FrameBytes Raw(params byte[] bytes)
    {
        _output.Write(bytes);
        return this;
    }

    public FrameBytes Write(Action<IBufferWriter<byte>> write)
    {
        write(_output);
        return this;
    }

    public byte[] ToArray() => _output.WrittenSpan.ToArray();
}
