namespace Ambient.Native.Netlink;

/// <summary>Takes one element of a set with its counter.</summary>
/// <param name="key">Each part of a concatenation, in network order, filled up to a multiple of 4 bytes. Good for this call only.</param>
/// <param name="packets">0 where the element has no counter.</param>
/// <param name="bytes">Likewise; network header included.</param>
public delegate void NftElementVisitor(ReadOnlySpan<byte> key, ulong packets, ulong bytes);
