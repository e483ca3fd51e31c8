using Ambient.Controller.Snapshots;
using Google.Protobuf;

namespace Ambient.Controller.Streams;

/// <summary>What a node holds of the view.</summary>
internal sealed record HeldView(ulong Version, ViewScope Scope)
{
    internal static HeldView None { get; } = new(0, ViewScope.Everything);
}

/// <summary>What a node was sent and has not answered yet. It does not hold on to the bytes.</summary>
/// <param name="View">What it holds once it acks.</param>
/// <param name="Since">When it was sent.</param>
internal sealed record Outstanding(HeldView View, ByteString Nonce, bool IsFull, DateTimeOffset Since);
