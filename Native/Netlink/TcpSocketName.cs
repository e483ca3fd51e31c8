using System.Net;

namespace Ambient.Native.Netlink;

/// <summary>Names one connected TCP socket of a namespace.</summary>
/// <param name="Family">AF_INET or AF_INET6: an AF_INET6 socket may have IPv4 ends.</param>
/// <param name="Id">As the kernel wrote it (inet_diag_sockid).</param>
/// <param name="Local">Its own end.</param>
/// <param name="Remote">The other end.</param>
public sealed record TcpSocketName(byte Family, ReadOnlyMemory<byte> Id, IPEndPoint Local, IPEndPoint Remote);
