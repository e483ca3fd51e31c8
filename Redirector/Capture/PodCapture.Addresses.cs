using System.Collections.Immutable;
using System.Net;
using Ambient.Native.Descriptors;
using Ambient.Protocol.Redirector.V1;
using Google.Protobuf;
using Google.Protobuf.Collections;

namespace Ambient.Redirector.Capture;

/// <summary>
/// The addresses of the pod's namespace. The rules redirect what is sent to any of them, and what is sent to the pod's interface for somebody
/// else; NodeProxy delivers to the pod's own alone, and cannot see which they are.
/// </summary>
internal sealed partial class PodCapture
{
    // More than pods have. A pod that gives itself more is reached by those that its object names, which count in any case, and by these.
    private const int MostAddresses = 64;

    private ImmutableArray<IPAddress> _present = [];

    /// <inheritdoc/>
    public bool? HoldsAddress() => ReadAddresses()?.Any(_addresses.Contains);

    /// <returns>Those of all links; null when they cannot be read just now.</returns>
    private IReadOnlyList<IPAddress>? ReadAddresses()
    {
        if (_isBusy || _namespace is null)
            return null;
        try
        {
            var all = _namespace.Addresses();
            TellAddresses([.. all.Where(IsOthersWay).Distinct().Take(MostAddresses)]);
            return all;
        }
        catch (SystemCallException)
        {
            return null; // for want of memory; asked again
        }
    }

    // Nobody outside has a way to the others: the kernel drops what names a loopback address, and a link-local one means nothing without its link.
    private static bool IsOthersWay(IPAddress address) => !IPAddress.IsLoopback(address) && !address.IsIPv6LinkLocal;

    private void TellAddresses(ImmutableArray<IPAddress> present)
    {
        if (present.AsSpan().SequenceEqual(_present.AsSpan()))
            return;
        _present = present;
        _tools.Nodes.Tell(AddressesMessage);
    }

    private ToNode AddressesMessage()
    {
        var message = new ToNode { Addresses = new PodAddresses { Uid = Uid } };
        AddPresent(message.Addresses.Addresses);
        return message;
    }

    private void AddPresent(RepeatedField<ByteString> to) => to.Add(_present.Select(address => ByteString.CopyFrom(address.GetAddressBytes())));
}
