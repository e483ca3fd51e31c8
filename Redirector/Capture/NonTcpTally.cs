using Ambient.Protocol.Redirector.V1;
using Ambient.Redirector.Rules;
using Google.Protobuf;

namespace Ambient.Redirector.Capture;

/// <summary>
/// What one pod's counters of non-TCP traffic have risen by and nobody has been told yet. The rules count from zero again whenever they
/// are loaded, and forget an idle pair; what is told never falls. Owned by the loop.
/// </summary>
internal sealed class NonTcpTally
{
    // Of a pod that talks to ever new pairs while no NodeProxy is there.
    private const int MostUntold = 4_096;

    // A flow takes at most 60 bytes of a message of at most 32 KiB.
    private const int FlowsPerMessage = 400;

    private readonly Dictionary<NonTcpFlow, (ulong Packets, ulong Bytes)> _untold = [];
    private Dictionary<NonTcpFlow, (ulong Packets, ulong Bytes)> _last = [];

    /// <summary>The counters begin at zero.</summary>
    public void OnRulesLoaded() => _last.Clear();

    /// <summary>Takes what the counters say now.</summary>
    public void Take(IReadOnlyList<NonTcpCount> counts)
    {
        var now = new Dictionary<NonTcpFlow, (ulong Packets, ulong Bytes)>(counts.Count);
        foreach (var (flow, packets, bytes) in counts)
        {
            var before = _last.GetValueOrDefault(flow);
            if (packets < before.Packets || bytes < before.Bytes)
                before = default;
            now[flow] = (packets, bytes);
            if (packets == before.Packets || (_untold.Count >= MostUntold && !_untold.ContainsKey(flow)))
                continue;
            var sum = _untold.GetValueOrDefault(flow);
            _untold[flow] = (sum.Packets + packets - before.Packets, sum.Bytes + bytes - before.Bytes);
        }
        _last = now;
    }

    /// <summary>Hands out what is untold, as messages of a size that fits a packet.</summary>
    public IEnumerable<NonTcpTraffic> TakeUntold(string uid)
    {
        foreach (var part in _untold.Chunk(FlowsPerMessage))
        {
            var message = new NonTcpTraffic { Uid = uid };
            foreach (var (flow, (packets, bytes)) in part)
                message.Flows.Add(new NonTcpFlows
                {
                    Source = Bytes(flow.Source), Destination = Bytes(flow.Destination), Protocol = flow.Protocol, Packets = packets, Bytes = bytes,
                });
            yield return message;
        }
        _untold.Clear();
    }

    private static ByteString Bytes(System.Net.IPAddress? address) => address is null ? ByteString.Empty : ByteString.CopyFrom(address.GetAddressBytes());
}
