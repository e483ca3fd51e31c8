using System.Net;

namespace Ambient.Redirector.Rules;

/// <summary>Who sent to whom, by which protocol.</summary>
/// <param name="Source">Null together with <paramref name="Destination"/> for pairs that are counted as one.</param>
/// <param name="Destination">An address, like the source.</param>
/// <param name="Protocol">IANA's number, 17 for UDP.</param>
internal readonly record struct NonTcpFlow(IPAddress? Source, IPAddress? Destination, byte Protocol);

/// <summary>What a counter of the rules says of a flow.</summary>
/// <param name="Bytes">With network headers.</param>
internal readonly record struct NonTcpCount(NonTcpFlow Flow, ulong Packets, ulong Bytes);
