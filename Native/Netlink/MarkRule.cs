namespace Ambient.Native.Netlink;

/// <summary>A routing rule: packets whose mark, under the mask, equals <paramref name="Mark"/> look the table up. Source: ip-rule(8).</summary>
/// <param name="Mark">The bits to find.</param>
/// <param name="Mask">The bits that count.</param>
/// <param name="Table">Routing table.</param>
/// <param name="Priority">Lower numbers are asked first.</param>
public readonly record struct MarkRule(uint Mark, uint Mask, uint Table, uint Priority);
