namespace Ambient.Native.Packets;

/// <summary>Takes one packet.</summary>
/// <param name="packet">From its link header on. Good for this call only.</param>
public delegate void PacketVisitor(ReadOnlySpan<byte> packet);
