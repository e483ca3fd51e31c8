using System.Diagnostics.CodeAnalysis;
using System.Net;
using Ambient.NodeProxy.Discovery;

namespace Ambient.NodeProxy.Balancing;

/// <summary>
/// Which endpoint each client had last of each service with <c>sessionAffinity: ClientIP</c>. One table a loop: all connections of a pod
/// are on its home loop. It knows endpoints by key, so a new version of the view changes nothing while it holds the endpoint.
/// </summary>
/// <param name="capacity">Most entries; beyond it the one that was not used for longest is forgotten.</param>
internal sealed class ClientAffinities(int capacity)
{
    private readonly Dictionary<(AddressKey Client, string Service), Entry> _entries = [];
    private Entry? _newest;
    private Entry? _oldest;

    /// <summary>How many there are, those included whose time is over and which nobody has asked for since.</summary>
    public int Count => _entries.Count;

    /// <summary>Finds the endpoint's key, unless the client's last connection is longer ago than it stays. Allocates nothing.</summary>
    public bool TryFind(IPAddress client, string service, long nowTicks, [NotNullWhen(true)] out string? endpointKey)
    {
        endpointKey = null;
        if (!_entries.TryGetValue((new AddressKey(client), service), out Entry? entry))
            return false;
        if (entry.ExpiresTicks <= nowTicks)
        {
            Remove(entry);
            return false;
        }
        endpointKey = entry.EndpointKey;
        return true;
    }

    /// <summary>A connection of the client went to an endpoint: it stays there for that long from now.</summary>
    public void Keep(IPAddress client, string service, string endpointKey, TimeSpan stays, long nowTicks)
    {
        var key = (new AddressKey(client), service);
        if (!_entries.TryGetValue(key, out Entry? entry))
        {
            // Two steps back for one forward: what has expired goes without a sweep.
            for (int i = 0; i < 2 && _oldest is not null && (_oldest.ExpiresTicks <= nowTicks || _entries.Count >= capacity); i++)
                Remove(_oldest);
            _entries.Add(key, entry = new Entry(key));
        }
        else
        {
            Unlink(entry);
        }
        entry.EndpointKey = endpointKey;
        entry.ExpiresTicks = nowTicks + stays.Ticks;
        entry.Older = _newest;
        if (_newest is null)
            _oldest = entry;
        else
            _newest.Newer = entry;
        _newest = entry;
    }

    private void Remove(Entry entry)
    {
        Unlink(entry);
        _entries.Remove(entry.Key);
    }

    private void Unlink(Entry entry)
    {
        if (entry.Newer is null)
            _newest = entry.Older;
        else
            entry.Newer.Older = entry.Older;
        if (entry.Older is null)
            _oldest = entry.Newer;
        else
            entry.Older.Newer = entry.Newer;
        entry.Newer = entry.Older = null;
    }

    private sealed class Entry((AddressKey Client, string Service) key)
    {
        public readonly (AddressKey Client, string Service) Key = key;
        public string EndpointKey = "";
        public long ExpiresTicks;
        public Entry? Newer;
        public Entry? Older;
    }
}
