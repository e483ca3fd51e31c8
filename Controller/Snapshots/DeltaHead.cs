using Ambient.Protocol.Discovery.V1;
using Google.Protobuf;

namespace Ambient.Controller.Snapshots;

/// <summary>What a delta says of itself.</summary>
/// <param name="Nonce">What the node's ack or nack names.</param>
/// <param name="Makes">The fingerprint of what the node holds once it is applied.</param>
/// <param name="BuildsOn">Of what the node has to hold before; null for a full view.</param>
internal readonly record struct DeltaHead(ulong Version, ByteString Nonce, ViewFingerprint Makes, ViewFingerprint? BuildsOn = null)
{
    internal Delta Write() => new()
    {
        Version = Version,
        Nonce = Nonce,
        Fingerprint = Makes.ToBytes(),
        BuildsOn = BuildsOn?.ToBytes() ?? ByteString.Empty,
    };
}
