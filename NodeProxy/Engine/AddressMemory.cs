using System.Net;

namespace Ambient.NodeProxy.Engine;

/// <summary>
/// Lets connections of a loop share addresses that are equal. A pod's connections all have its address at one end and mostly one of a few
/// services at the other; an object each would be a quarter of what an idle connection holds. Forgetful on purpose: what does not find
/// its place taken by an equal one takes it, so that the size is fixed whoever connects.
/// </summary>
/// <remarks>Owned by its loop. Whoever keeps an address that came from here must not change it.</remarks>
internal sealed class AddressMemory
{
    private const int Places = 512; // a power of two

    private readonly IPAddress?[] _addresses = new IPAddress?[Places];
    private readonly IPEndPoint?[] _endPoints = new IPEndPoint?[Places];

    /// <summary>An equal address.</summary>
    public IPAddress Shared(IPAddress address)
    {
        ref var place = ref _addresses[address.GetHashCode() & (Places - 1)];
        if (address.Equals(place)) return place!;
        return place = address;
    }

    /// <summary>An equal end point.</summary>
    public IPEndPoint Shared(IPEndPoint endPoint)
    {
        ref var place = ref _endPoints[(endPoint.Address.GetHashCode() ^ (endPoint.Port * 31)) & (Places - 1)];
        if (endPoint.Equals(place)) return place!;
        return place = new IPEndPoint(Shared(endPoint.Address), endPoint.Port);
    }
}
