using System.Buffers;
using Ambient.Controller.Model;
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
    private readonly bool _more;

    private ControllerFrame(ControllerMessage? message, ulong id, ReadOnlyMemory<byte> delta, bool more)
    {
        _message = message;
        _id = id;
        _delta = delta;
        _more = more;
    }

    internal static Marshaller<ControllerFrame> Marshaller { get; } = Marshallers.Create<ControllerFrame>(
        (frame, context) => frame.WriteTo(context),
        _ => throw new NotSupportedException("Only a controller sends these."));

    internal static ControllerFrame Of(ControllerMessage message) => new(message, message.Id, default, more: false);

    /// <param name="delta">A serialized <see cref="Delta"/>.</param>
    /// <param name="more">Whether its field <c>more</c> is set, whatever it was encoded with.</param>
    internal static ControllerFrame OfDelta(ulong id, ReadOnlyMemory<byte> delta, bool more = false) => new(null, id, delta, more);

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
        // Of a field that is there twice the last one counts (Protocol Buffers, "Encoding": Last One Wins).
        Span<byte> tail = stackalloc byte[8];
        var tailLength = WireBytes.PutNumber(tail, 0, Delta.MoreFieldNumber, _more ? 1u : 0);
        var length = WireBytes.PutNumber(head, 0, ControllerMessage.IdFieldNumber, _id);
        length = WireBytes.PutHead(head, length, ControllerMessage.DeltaFieldNumber, _delta.Length + tailLength);
        context.SetPayloadLength(length + _delta.Length + tailLength);
        var writer = context.GetBufferWriter();
        writer.Write(head[..length]);
        writer.Write(_delta.Span);
        writer.Write(tail[..tailLength]);
        context.Complete();
    }
}
