namespace Ambient.NodeProxy.Telemetry;

/// <summary>What passed the pods of this node beside TCP, untouched, as their rules counted it. Any thread; the data path is not involved.</summary>
public sealed class NonTcpMetrics
{
    /// <summary>Pairs beyond this number are counted as one <c>other</c>, by protocol.</summary>
    public const int MostPairs = 2_000;

    private readonly Lock _lock = new();
    private readonly Dictionary<NonTcpKey, (ulong Packets, ulong Bytes)> _sums = [];

    /// <summary>Adds to a pair's sums.</summary>
    public void Add(NonTcpKey key, ulong packets, ulong bytes)
    {
        lock (_lock)
        {
            if (_sums.Count >= MostPairs && !_sums.ContainsKey(key))
                key = key with { SourceWorkload = "other", SourceNamespace = "other", DestinationWorkload = "other", DestinationNamespace = "other" };
            (ulong Packets, ulong Bytes) sum = _sums.GetValueOrDefault(key);
            _sums[key] = (sum.Packets + packets, sum.Bytes + bytes);
        }
    }

    /// <summary>A protocol's name, from IANA's number; the set of names is closed.</summary>
    public static string ProtocolName(uint number) => number switch
    {
        1 => "icmp",
        4 or 41 => "ipip",
        17 => "udp",
        33 => "dccp",
        47 => "gre",
        50 or 51 => "ipsec",
        58 => "icmpv6",
        132 => "sctp",
        136 => "udplite",
        _ => "other",
    };

    internal void Write(ExpositionWriter writer)
    {
        KeyValuePair<NonTcpKey, (ulong Packets, ulong Bytes)>[] all;
        lock (_lock)
            all = [.. _sums];
        Array.Sort(all, (a, b) => string.CompareOrdinal(a.Key.ToString(), b.Key.ToString()));
        WriteFamily(writer, all, "ambient_non_tcp_packets_total", "Packets that passed beside TCP, untouched; a service's name stands for its address.", sums => sums.Packets);
        WriteFamily(writer, all, "ambient_non_tcp_bytes_total", "Bytes of the same packets, with network headers.", sums => sums.Bytes);
    }

    private static void WriteFamily(
        ExpositionWriter writer, KeyValuePair<NonTcpKey, (ulong Packets, ulong Bytes)>[] all, string name, string help, Func<(ulong Packets, ulong Bytes), ulong> value)
    {
        writer.Family(name, "counter", help);
        foreach ((NonTcpKey key, (ulong Packets, ulong Bytes) sums) in all)
        {
            writer.Sample(
                name,
                [
                    ("reporter", Labels.Of(key.Reporter)),
                    ("source_workload", Labels.OrUnknown(key.SourceWorkload)),
                    ("source_namespace", Labels.OrUnknown(key.SourceNamespace)),
                    ("destination_workload", Labels.OrUnknown(key.DestinationWorkload)),
                    ("destination_namespace", Labels.OrUnknown(key.DestinationNamespace)),
                    ("protocol", key.Protocol),
                ],
                value(sums));
        }
    }
}
