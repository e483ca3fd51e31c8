using System.Net;

namespace Ambient.NodeProxy.Inbound;

/// <summary>
/// Who may open tunnels into one pod on one loop. Handshakes are bounded by address and together: an address at its share is
/// refused, and when all places are taken the oldest handshake makes room. So one attacker is held at an eighth of the places,
/// and many of them have to open hundreds of connections within the milliseconds that an honest handshake takes to keep it out.
/// </summary>
/// <remarks>
/// By the whole address and not by a prefix: a node gives all its pods addresses of one /64 (IPv6), and neighbours of an attacker
/// are not its accomplices.
/// </remarks>
internal sealed class TunnelShares
{
    /// <summary>Handshakes under way. Each costs about 40 KB, and a millisecond of the loop once it is done.</summary>
    public const int MaxHandshakes = 512;

    /// <summary>Of one address. A node opens one at a time to a pod from each of its loops.</summary>
    public const int MaxHandshakesOfAddress = 64;

    /// <summary>Tunnels of one address, handshakes included. A link carries 4096 connections, and a renewed certificate makes another.</summary>
    public const int MaxTunnelsOfAddress = 256;

    private readonly LinkedList<Place> _handshakes = new();
    private readonly Dictionary<IPAddress, Counts> _byAddress = [];

    /// <summary>Handshakes under way.</summary>
    public int Handshakes => _handshakes.Count;

    /// <summary>Addresses that hold something.</summary>
    public int Addresses => _byAddress.Count;

    /// <summary>Takes a place for a handshake, at the cost of the oldest one where none is free.</summary>
    /// <param name="address">Who calls.</param>
    /// <param name="giveUp">Ends this handshake for a newer one; calls <see cref="End"/>.</param>
    /// <param name="refusal">Why there is none for this address.</param>
    public Place? TryBegin(IPAddress address, Action giveUp, out string refusal)
    {
        var counts = _byAddress.GetValueOrDefault(address);
        refusal = counts.Handshakes >= MaxHandshakesOfAddress ? $"{MaxHandshakesOfAddress} handshakes of {address} with this pod are under way"
            : counts.Tunnels >= MaxTunnelsOfAddress ? $"{address} has {MaxTunnelsOfAddress} tunnels to this pod"
            : "";
        if (refusal.Length > 0) return null;
        if (_handshakes.Count >= MaxHandshakes) _handshakes.First!.Value.GiveUp();
        var place = new Place(address, giveUp);
        place.Handshake = _handshakes.AddLast(place);
        Change(address, 1, 1);
        return place;
    }

    /// <summary>The handshake is over; the tunnel stays.</summary>
    public void Establish(Place place)
    {
        if (place.Handshake is null) return;
        _handshakes.Remove(place.Handshake);
        place.Handshake = null;
        Change(place.Address, -1, 0);
    }

    /// <summary>The tunnel is over, whether its handshake was or not. Harmless a second time.</summary>
    public void End(Place place)
    {
        if (place.IsOver) return;
        Establish(place);
        place.IsOver = true;
        Change(place.Address, 0, -1);
    }

    private void Change(IPAddress address, int handshakes, int tunnels)
    {
        var now = _byAddress.GetValueOrDefault(address);
        now = new Counts(now.Handshakes + handshakes, now.Tunnels + tunnels);
        if (now.Tunnels == 0) _byAddress.Remove(address);
        else _byAddress[address] = now;
    }

    private readonly record struct Counts(int Handshakes, int Tunnels);

    /// <summary>The place of one tunnel.</summary>
    internal sealed class Place(IPAddress address, Action giveUp)
    {
        public IPAddress Address { get; } = address;

        public Action GiveUp { get; } = giveUp;

        public LinkedListNode<Place>? Handshake { get; set; }

        public bool IsOver { get; set; }
    }
}
