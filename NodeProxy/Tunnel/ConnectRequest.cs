using System.Net;

namespace Ambient.NodeProxy.Tunnel;

/// <summary>What a client's node says about the connection it opens.</summary>
/// <param name="Target">Address and port of the app: <c>:authority</c>.</param>
/// <param name="Client">The app that connects, for <c>forwarded</c>; told, not proven.</param>
/// <param name="Baggage">Who the source is, for metrics at the other end; null for none.</param>
internal sealed record ConnectRequest(IPEndPoint Target, IPEndPoint Client, string? Baggage);
