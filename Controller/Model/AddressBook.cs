using System.Collections.Immutable;
using System.Net;
using Ambient.Controller.Sources;

namespace Ambient.Controller.Model;

/// <summary>Who has which address, of pods, services and nodes together, and which addresses changed hands. Owned by one thread.</summary>
internal sealed class AddressBook
{
    private readonly Claims<IPAddress> _claims = new(AddressOrder.Instance);
    private readonly Dictionary<IPAddress, SourceObject?> _touched = [];

    /// <summary>The pod that has an address for itself; null if there is none.</summary>
    internal PodObject? PodAt(IPAddress address) => _claims.OwnerOf(address) as PodObject;

    internal void Claim(SourceObject owner, ImmutableArray<IPAddress> addresses)
    {
        foreach (var address in addresses)
        {
            _touched.TryAdd(address, _claims.OwnerOf(address));
            _claims.Add(address, owner);
        }
    }

    internal void Unclaim(SourceObject owner, ImmutableArray<IPAddress> addresses)
    {
        foreach (var address in addresses)
        {
            _touched.TryAdd(address, _claims.OwnerOf(address));
            _claims.Remove(address, owner);
        }
    }

    /// <summary>Addresses that were claimed or given back since this was asked last: who had it then, and who claims it now, the owner first.</summary>
    internal List<(IPAddress Address, SourceObject? Was, IReadOnlyList<SourceObject> Claimants)> TakeTouched()
    {
        var touched = _touched.Select(t => (t.Key, t.Value, _claims.Of(t.Key))).ToList();
        _touched.Clear();
        return touched;
    }

    /// <summary>Those of an object's addresses that it has for itself: the very list if all are.</summary>
    internal ImmutableArray<IPAddress> OwnOf(SourceObject owner, ImmutableArray<IPAddress> claimed)
    {
        foreach (var address in claimed)
        {
            if (!ReferenceEquals(_claims.OwnerOf(address), owner))
                return [.. claimed.Where(a => ReferenceEquals(_claims.OwnerOf(a), owner))];
        }
        return claimed;
    }

    /// <summary>What there is to say about the addresses that it has not.</summary>
    internal IEnumerable<string> LossesOf(SourceObject owner, ImmutableArray<IPAddress> claimed) =>
        from address in claimed
        let other = _claims.OwnerOf(address)
        where !ReferenceEquals(other, owner)
        select $"{owner} loses address {address}: {other} has it";
}
