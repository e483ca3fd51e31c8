using System.Collections.Frozen;
using System.Net;
using Ambient.Native.Netlink;
using Ambient.Redirector.Rules;

namespace Ambient.Redirector.Capture;

/// <summary>Tells which connections of a pod its rules leave alone; the same questions as the nat chains of <see cref="Ruleset"/>.</summary>
internal sealed class UncapturedTraffic(Exclusions exclusions, IEnumerable<IPAddress> ownAddresses, IReadOnlySet<int> listeningPorts)
{
    private readonly FrozenSet<IPAddress> _own = ownAddresses.ToFrozenSet();
    private readonly List<IPNetwork> _ranges = [.. exclusions.OutboundRanges.Select(r => new IPNetwork(r.Address, r.PrefixLength))];

    /// <summary>Whether a connection is rightly in the clear.</summary>
    public bool Includes(TcpSocketName socket)
    {
        var (local, remote) = (socket.Local, socket.Remote);
        if (IPAddress.IsLoopback(local.Address) || IPAddress.IsLoopback(remote.Address) || local.Address.Equals(remote.Address) || _own.Contains(remote.Address))
            return true;
        // A socket does not tell who opened the connection; a port on which nobody listens was hardly connected to. An app that
        // listened and stopped is why the excluded inbound ports count either way.
        if (exclusions.InboundPorts.Contains(local.Port) || local.Port is CaptureNumbers.OutboundPort or CaptureNumbers.InboundPort or CaptureNumbers.TunnelPort)
            return true;
        return !listeningPorts.Contains(local.Port)
            && (exclusions.OutboundPorts.Contains(remote.Port) || _ranges.Exists(range => range.Contains(remote.Address)));
    }
}
