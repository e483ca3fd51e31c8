using System.Buffers;
using Ambient.Protocol.Discovery.V1;
using Google.Protobuf;
using Grpc.Core;

namespace Ambient.Controller.Streams;

/// <summary>
/// A message to a node: either an ordinary one, or a part of a delta that was encoded once for all nodes and is only
/// framed here. On the wire both are <c>ambient.discovery.v1.ControllerMessage</c>.
/// </summary>
internal sealed class ControllerFrame
{
    private readonly ControllerMessage? _message;
    private readonly ulong _id;
    private readonly ReadOnlyMemory<byte> _delta;

    private ControllerFrame(ControllerMessage? message, ulong id, ReadOnlyMemory<byte> delta)
    {
        _message = message;
        _id = id;
        _delta = delta;
    }

    internal static Marshaller<ControllerFrame> Marshaller { get; } = Marshallers.Create<ControllerFrame>(
        (frame, context) => frame.WriteTo(context),
        _ => throw new NotSupportedException("Only a controller sends these."));

    internal static ControllerFrame Of(ControllerMessage message) => new(message, message.Id, default);

    /// <param name="delta">A serialized <see cref="Delta"/>.</param>
    internal static ControllerFrame OfDelta(ulong id, ReadOnlyMemory<byte> delta) => new(null, id, delta);

    private void WriteTo(SerializationContext context)
    {
        if (_message is not null)
        {
            context.SetPayloadLength(_message.CalculateSize());
            _message.WriteTo(context.GetBufferWriter());
            context.Complete();
            return;
        }

        // id (field 1), then the tag and the length of delta (field 3); the bytes follow as they are.
        Span<byte> head = stackalloc byte[24];
        var length = WriteVarint(head, 0, WireFormat.MakeTag(ControllerMessage.IdFieldNumber, WireFormat.WireType.Varint));
        length = WriteVarint(head, length, _id);
        length = WriteVarint(head, length, WireFormat.MakeTag(ControllerMessage.DeltaFieldNumber, WireFormat.WireType.LengthDelimited));
        length = WriteVarint(head, length, (ulong)_delta.Length);
        context.SetPayloadLength(length + _delta.Length);
        var writer = context.GetBufferWriter();
        writer.Write(head[..length]);
        writer.Write(_delta.Span);
        context.Complete();
    }

    private static int WriteVarint(Span<byte> into, int at, ulong value)
    {
        for (; value >= 0x80; value >>= 7)
            into[at++] = (byte)(value | 0x80);
        into[at++] = (byte)value;
        return at;
    }
}
