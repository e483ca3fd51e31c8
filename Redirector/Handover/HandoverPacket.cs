using System.Text.Json;
using System.Text.Json.Serialization;

namespace Ambient.Redirector.Handover;

/// <summary>One packet between two Redirectors of one state directory.</summary>
/// <param name="Pods">UIDs whose listeners come beside it, three descriptors each.</param>
/// <param name="HasState">One descriptor comes beside it: NodeProxy's sealed memory.</param>
internal sealed partial record HandoverPacket(string[] Pods, bool HasState)
{
    /// <summary>253 descriptors fit a packet; a UID has at most some hundred bytes.</summary>
    public const int MaxPods = 64;

    public const int MaxBytes = 64 * 1024;

    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, PacketContext.Default.HandoverPacket);

    /// <returns>Null when it is none, for example from another version.</returns>
    public static HandoverPacket? Read(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return JsonSerializer.Deserialize(bytes, PacketContext.Default.HandoverPacket);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    [JsonSerializable(typeof(HandoverPacket))]
    private sealed partial class PacketContext : JsonSerializerContext;
}
