using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;
using Ambient.NodeProxy.Discovery;
using Ambient.Protocol.Model;

namespace Ambient.NodeProxy.Balancing;

/// <summary>
/// Chooses an endpoint: the client's own, if the service has affinity and it has one; else among the near ones first, if the service
/// wants that, and there of two at random, by weight, the one with less work under way in proportion to its weight. Two random
/// choices keep the fullest endpoint near the average where one lets it grow, and cost the same for three endpoints as for 100,000.
/// One for each loop; used on its loop only.
/// </summary>
/// <param name="loads">The table that all loops share.</param>
/// <param name="loop">This loop's number, from 0.</param>
/// <param name="seed">The same seed and the same calls give the same choices.</param>
public sealed class EndpointChooser(EndpointLoads loads, int loop, ulong seed)
{
    private const int WeightDraws = 8;

    // About 100 bytes each. A client that falls out of the table is sent to any endpoint once more, and stays with that.
    private const int MaxAffinities = 65_536;

    private const long AvoidNone = -1;

    private readonly ClientAffinities _affinities = new(MaxAffinities);
    private readonly EndpointFailures _failures = new();
    private readonly Dictionary<EndpointAddress, EndpointLoad> _inUse = [];   // where this loop has work
    private ulong _random = seed;

    /// <summary>Chooses an endpoint for a new connection. Allocates nothing, but for the first connection of a client that stays.</summary>
    /// <param name="service">The service.</param>
    /// <param name="port">Its port.</param>
    /// <param name="caller">Who asks.</param>
    /// <param name="alreadyTried">Endpoints not to choose again.</param>
    /// <param name="chosen">The endpoint; null if there is none.</param>
    public bool Choose(
        ServiceView service,
        ServicePort port,
        in Caller caller,
        ReadOnlySpan<ReadyEndpoint> alreadyTried,
        [NotNullWhen(true)] out ReadyEndpoint? chosen)
    {
        TimeSpan stays = service.Service.ClientAffinity;
        chosen = (stays > TimeSpan.Zero ? ChooseAgain(service, port, caller, alreadyTried) : null)
            ?? (_failures.Count > 0 ? ChooseNearest(service, port, caller, alreadyTried, avoidAtTicks: caller.NowTicks) : null)
            ?? ChooseNearest(service, port, caller, alreadyTried, AvoidNone);
        // One that does not answer is replaced by the next one that is tried: the client stays with the one it reaches.
        if (chosen is not null && stays > TimeSpan.Zero)
            _affinities.Keep(caller.Address, service.FullName, chosen.Key, stays, caller.NowTicks);
        return chosen is not null;
    }

    /// <summary>There are endpoints beside those tried and the one chosen, so that waiting long for that one would be a mistake.</summary>
    public static bool HasOther(ServiceView service, ServicePort port, in Caller caller, ReadOnlySpan<ReadyEndpoint> alreadyTried, ReadyEndpoint chosen)
    {
        return Others(service, caller, service.PlacedEndpoints(port, caller.Family), alreadyTried)
            + Others(service, caller, service.PlacedEndpoints(port, Other(caller.Family)), alreadyTried) > 0;

        int Others(ServiceView service, in Caller caller, PlacedEndpoints endpoints, ReadOnlySpan<ReadyEndpoint> alreadyTried)
        {
            ReadyEndpointSet usable = service.Service.Distribution == TrafficDistribution.SameNodeOnly ? endpoints.OnNode(caller.Node) : endpoints.All;
            int count = usable.Count - (usable.TryFind(chosen.Key, out _) ? 1 : 0);
            foreach (ReadyEndpoint tried in alreadyTried)
                count -= usable.TryFind(tried.Key, out _) ? 1 : 0;
            return count;
        }
    }

    /// <summary>An endpoint did not answer, or not with a yes: for 5 s, or 1 s, it is chosen only if nothing else is left.</summary>
    public void Failed(ReadyEndpoint endpoint, bool wasSilent, long nowTicks) =>
        _failures.Add(new EndpointAddress(endpoint.Address, endpoint.Port), wasSilent, nowTicks);

    /// <summary>An endpoint has answered.</summary>
    public void Answered(ReadyEndpoint endpoint)
    {
        if (_failures.Count > 0)
            _failures.Remove(new EndpointAddress(endpoint.Address, endpoint.Port));
    }

    /// <summary>Work has begun at an endpoint. Every call needs its <see cref="Ended"/>.</summary>
    public void Started(ReadyEndpoint endpoint)
    {
        var address = new EndpointAddress(endpoint.Address, endpoint.Port);
        if (_inUse.TryGetValue(address, out EndpointLoad? load))
            load.Add(loop, 1);   // this loop's own work keeps Sweep from retiring it
        else
            _inUse.Add(address, loads.Start(address, loop));
    }

    /// <summary>Work has ended at an endpoint; whether the view still knows it does not matter.</summary>
    public void Ended(ReadyEndpoint endpoint)
    {
        var address = new EndpointAddress(endpoint.Address, endpoint.Port);
        if (!_inUse.TryGetValue(address, out EndpointLoad? load))
            throw new InvalidOperationException($"no work was under way at {endpoint.Address} port {endpoint.Port}");
        load.Add(loop, -1);
        if (load.OfLoop(loop) == 0)
            _inUse.Remove(address);
    }

    private static AddressFamily Other(AddressFamily family) =>
        family == AddressFamily.InterNetworkV6 ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6;

    // The endpoint of the client's last connection, as this version of the view has it.
    private ReadyEndpoint? ChooseAgain(ServiceView service, ServicePort port, in Caller caller, ReadOnlySpan<ReadyEndpoint> tried)
    {
        if (!_affinities.TryFind(caller.Address, service.FullName, caller.NowTicks, out string? key))
            return null;
        if (!service.PlacedEndpoints(port, caller.Family).All.TryFind(key, out ReadyEndpoint? known)
            && !service.PlacedEndpoints(port, Other(caller.Family)).All.TryFind(key, out known))
            return null;
        bool isAllowed = service.Service.Distribution != TrafficDistribution.SameNodeOnly || known.Node == caller.Node;
        return isAllowed && !IsOut(known, tried, caller.NowTicks) ? known : null;
    }

    private ReadyEndpoint? ChooseNearest(ServiceView service, ServicePort port, in Caller caller, ReadOnlySpan<ReadyEndpoint> tried, long avoidAtTicks) =>
        ChooseNearest(service, caller, service.PlacedEndpoints(port, caller.Family), tried, avoidAtTicks)
        ?? ChooseNearest(service, caller, service.PlacedEndpoints(port, Other(caller.Family)), tried, avoidAtTicks);

    private ReadyEndpoint? ChooseNearest(
        ServiceView service, in Caller caller, PlacedEndpoints endpoints, ReadOnlySpan<ReadyEndpoint> tried, long avoidAtTicks) =>
        service.Service.Distribution switch
        {
            TrafficDistribution.Anywhere => ChooseFrom(endpoints.All, tried, avoidAtTicks),
            TrafficDistribution.SameZoneFirst => ChooseFrom(endpoints.InZone(caller.Zone), tried, avoidAtTicks)
                ?? ChooseFrom(endpoints.All, tried, avoidAtTicks),
            TrafficDistribution.SameNodeFirst => ChooseFrom(endpoints.OnNode(caller.Node), tried, avoidAtTicks)
                ?? ChooseFrom(endpoints.InZone(caller.Zone), tried, avoidAtTicks) ?? ChooseFrom(endpoints.All, tried, avoidAtTicks),
            TrafficDistribution.SameNodeOnly => ChooseFrom(endpoints.OnNode(caller.Node), tried, avoidAtTicks),
        };

    private bool IsOut(ReadyEndpoint endpoint, ReadOnlySpan<ReadyEndpoint> tried, long avoidAtTicks) =>
        Contains(tried, endpoint) || (avoidAtTicks != AvoidNone && _failures.Contains(new EndpointAddress(endpoint.Address, endpoint.Port), avoidAtTicks));

    private static bool Contains(ReadOnlySpan<ReadyEndpoint> tried, ReadyEndpoint endpoint)
    {
        foreach (ReadyEndpoint one in tried)
        {
            // By value of address and port: the next version of the view may hold another object for the same endpoint.
            if (one.Port == endpoint.Port && one.Address.Equals(endpoint.Address))
                return true;
        }
        return false;
    }

    private ReadyEndpoint? ChooseFrom(ReadyEndpointSet set, ReadOnlySpan<ReadyEndpoint> tried, long avoidAtTicks)
    {
        if (set.Count == 0)
            return null;
        ReadyEndpoint? first = Draw(set, tried, avoidAtTicks, besides: null);
        if (first is null || set.Count == 1)
            return first;
        ReadyEndpoint? second = Draw(set, tried, avoidAtTicks, besides: first);
        return second is null || LoadOf(first) * second.Weight <= LoadOf(second) * first.Weight ? first : second;
    }

    // Work under way without the new piece: idle endpoints tie, and the first one drawn, by weight, is taken.
    private long LoadOf(ReadyEndpoint endpoint) => loads.TryFind(new EndpointAddress(endpoint.Address, endpoint.Port), out EndpointLoad? load) ? load.Total : 0;

    /// <summary>
    /// One at random, by weight: an endpoint drawn evenly is kept with the probability weight / heaviest weight, at most
    /// <see cref="WeightDraws"/> times over. That follows the weights closely while the heaviest is within some times the average, needs no
    /// table that a change would have to rebuild, and is a single draw where all weights are equal.
    /// </summary>
    private ReadyEndpoint? Draw(ReadyEndpointSet set, ReadOnlySpan<ReadyEndpoint> tried, long avoidAtTicks, ReadyEndpoint? besides)
    {
        ReadyEndpoint? eligible = null;
        int place = 0;
        for (int draw = 0; draw < WeightDraws; draw++)
        {
            place = Below(set.Count);
            ReadyEndpoint drawn = set[place];
            if (ReferenceEquals(drawn, besides) || IsOut(drawn, tried, avoidAtTicks))
                continue;
            eligible = drawn;
            if (drawn.Weight == set.HeaviestWeight || Below(set.HeaviestWeight) < drawn.Weight)
                return drawn;
        }
        return eligible ?? Next(set, tried, avoidAtTicks, besides, place);
    }

    // Every draw hit one that is out. Not all of the following can be, for they are more than those that are out; or there are none.
    private ReadyEndpoint? Next(ReadyEndpointSet set, ReadOnlySpan<ReadyEndpoint> tried, long avoidAtTicks, ReadyEndpoint? besides, int place)
    {
        int steps = Math.Min(set.Count, tried.Length + 2 + (avoidAtTicks == AvoidNone ? 0 : _failures.Count));
        for (int step = 0; step < steps; step++)
        {
            ReadyEndpoint candidate = set[(place + step) % set.Count];
            if (!ReferenceEquals(candidate, besides) && !IsOut(candidate, tried, avoidAtTicks))
                return candidate;
        }
        return null;
    }

    // SplitMix64, mapped to the range by the high half of a product (bias below 2^-32).
    private int Below(int bound)
    {
        ulong z = _random += 0x9E37_79B9_7F4A_7C15UL;
        z = (z ^ (z >> 30)) * 0xBF58_476D_1CE4_E5B9UL;
        z = (z ^ (z >> 27)) * 0x94D0_49BB_1331_11EBUL;
        z ^= z >> 31;
        return (int)(((z >> 32) * (ulong)bound) >> 32);
    }
}
