using System.Globalization;
using Ambient.Protocol.Cni;
using Ambient.Protocol.Model;
using Ambient.Protocol.Redirector.V1;
using Google.Protobuf;

namespace Ambient.Redirector.Cni;

/// <summary>What the runtime says of a pod that starts. Pure.</summary>
internal static class StartingPod
{
    private const string InboundPortsKey = "ambient.mesh/exclude-inbound-ports";
    private const string OutboundPortsKey = "ambient.mesh/exclude-outbound-ports";
    private const string OutboundRangesKey = "ambient.mesh/exclude-outbound-cidrs";

    private const int StaticUidLength = 32;

    /// <summary>
    /// The UID is that of a static pod: a digest of its file, not the API's (a UUID). An order names its mirror pod by another UID.
    /// Source: kubelet, pkg/kubelet/config/common.go.
    /// </summary>
    public static bool IsStatic(string uid) => uid.Length == StaticUidLength && uid.All(char.IsAsciiHexDigit);

    /// <summary>Takes what the annotations exclude into the pod. As at the controller, what is no port or range excludes nothing.</summary>
    public static void Exclude(CniRequest request, CapturedPod pod)
    {
        pod.ExcludeInboundPorts.AddRange(Values(InboundPortsKey).Select(Port).OfType<uint>());
        pod.ExcludeOutboundPorts.AddRange(Values(OutboundPortsKey).Select(Port).OfType<uint>());
        pod.ExcludeOutboundRanges.AddRange(Values(OutboundRangesKey).Select(Range).OfType<ExcludedRange>());

        string[] Values(string key) => request.Annotations.GetValueOrDefault(key, "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
    }

    private static uint? Port(string text) =>
        ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ushort port) && port > 0 ? port : null;

    private static ExcludedRange? Range(string text) => AddressRanges.TryParse(text, out var range)
        ? new ExcludedRange { Address = ByteString.CopyFrom(range.BaseAddress.GetAddressBytes()), PrefixLength = (uint)range.PrefixLength }
        : null;
}
