using System.Net;
using Ambient.Protocol.Identity;

namespace Ambient.NodeProxy.Tunnel;

/// <summary>
/// What makes two connections fit for one link, besides the loop and the source pod, of which each has a pool of its own: a link
/// never carries work of two source pods, and never outlives a change of who speaks or who is spoken to.
/// </summary>
/// <param name="DestinationUid">The destination pod; an address that a new pod took over is another key.</param>
/// <param name="Address">Where the link dials: the pod's address and the tunnel port or the app's own. Each port's link stands for itself.</param>
/// <param name="Entry">Which of the two.</param>
/// <param name="Expected">Who must answer.</param>
/// <param name="Generation">Of the source pod's certificate.</param>
internal sealed record LinkKey(string DestinationUid, IPEndPoint Address, TunnelEntry Entry, SpiffeId Expected, long Generation);
