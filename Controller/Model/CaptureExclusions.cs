using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using Ambient.Protocol.Model;

namespace Ambient.Controller.Model;

/// <summary>What of a pod's traffic is left alone, as its annotations or those of its namespace say.</summary>
internal sealed record CaptureExclusions(ImmutableArray<uint> InboundPorts, ImmutableArray<uint> OutboundPorts, ImmutableArray<IPNetwork> OutboundRanges)
{
    internal const string InboundPortsKey = "ambient.mesh/exclude-inbound-ports";
    internal const string OutboundPortsKey = "ambient.mesh/exclude-outbound-ports";
    internal const string OutboundRangesKey = "ambient.mesh/exclude-outbound-cidrs";

    /// <summary>Reads the annotations. The pod's own win over the namespace's, each key for itself.</summary>
    /// <param name="warn">Told of each value that is no port or range. Such a value excludes nothing: capturing too much is
    /// noticed, letting through in the clear is not.</param>
    internal static CaptureExclusions Read(FrozenDictionary<string, string> pod, FrozenDictionary<string, string>? ns, Action<string> warn)
    {
        return new CaptureExclusions(Ports(InboundPortsKey), Ports(OutboundPortsKey), Ranges(OutboundRangesKey));

        string[] Values(string key) => (pod.GetValueOrDefault(key) ?? ns?.GetValueOrDefault(key) ?? "")
            .Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

        ImmutableArray<uint> Ports(string key) => [.. Values(key).Select(text =>
        {
            if (ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port > 0)
                return port;
            warn($"annotation {key}: expected ports from 1 to 65535 separated by commas, found {Excerpt.Of(text)}");
            return 0u;
        }).Where(port => port > 0).Distinct().Order()];

        ImmutableArray<IPNetwork> Ranges(string key) => [.. Values(key).Select(text =>
        {
            if (AddressRanges.TryParse(text, out var range))
                return range;
            warn($"annotation {key}: expected address ranges like 10.1.0.0/16 separated by commas, found {Excerpt.Of(text)}");
            return (IPNetwork?)null;
        }).OfType<IPNetwork>().Distinct()];
    }
}
