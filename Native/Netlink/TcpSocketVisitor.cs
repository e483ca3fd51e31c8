namespace Ambient.Native.Netlink;

/// <summary>Looks at a socket of a list.</summary>
/// <returns>False to end the list here.</returns>
public delegate bool TcpSocketVisitor(scoped in TcpSocketReport report);
