namespace Ambient.NodeProxy.Admin;

/// <summary>How one connection stands.</summary>
/// <param name="Reporter">Which side of it this node counts.</param>
/// <param name="Pod">The pod of this node, <c>namespace/name</c> or its UID.</param>
/// <param name="Client">Where it came from.</param>
/// <param name="Target">Where it goes.</param>
/// <param name="Source">The source's workload, <c>namespace/name</c>.</param>
/// <param name="Destination">The destination's workload, <c>namespace/name</c>.</param>
/// <param name="Service">The service that was dialled; empty if none.</param>
/// <param name="Way">How it travels.</param>
/// <param name="Protection">What keeps others from reading it.</param>
/// <param name="AgeSeconds">How long it has been open.</param>
/// <param name="SentBytes">Bytes from the source to the destination.</param>
/// <param name="ReceivedBytes">Bytes from the destination to the source.</param>
public sealed record ConnectionListing(
    string Reporter,
    string Pod,
    string Client,
    string Target,
    string Source,
    string Destination,
    string Service,
    string Way,
    string Protection,
    double AgeSeconds,
    long SentBytes,
    long ReceivedBytes);
