using System.Diagnostics.CodeAnalysis;

namespace Ambient.NodeProxy.Discovery;

/// <summary>
/// The ready endpoints of one port and address family, numbered from 0 so that a random one is found in constant time. Immutable; a
/// change of one endpoint among n copies one chunk and the list of chunks: 64 slots and n/64 references, however large the set.
/// </summary>
public sealed class ReadyEndpointSet
{
    private const int ChunkShift = 6;
    private const int ChunkSize = 1 << ChunkShift;

    private readonly Chunk[] _chunks;
    private readonly PersistentMap<string, int> _places;   // an endpoint's number by its key

    private ReadyEndpointSet(Chunk[] chunks, int count, PersistentMap<string, int> places)
    {
        (_chunks, Count, _places) = (chunks, count, places);
        foreach (Chunk chunk in chunks)
            HeaviestWeight = Math.Max(HeaviestWeight, chunk.HeaviestWeight);
    }

    /// <summary>The set without endpoints.</summary>
    public static ReadyEndpointSet Empty { get; } = new([], 0, PersistentMap<string, int>.Empty);

    /// <summary>How many endpoints it holds.</summary>
    public int Count { get; }

    /// <summary>The largest weight in it; 0 when it is empty.</summary>
    public int HeaviestWeight { get; }

    /// <summary>The endpoint with a number from 0 to <see cref="Count"/> - 1. Numbers hold for this version of the set only.</summary>
    public ReadyEndpoint this[int index] => _chunks[index >> ChunkShift].Slots[index & (ChunkSize - 1)];

    /// <summary>Finds the endpoint with a key. Constant time, no allocation.</summary>
    public bool TryFind(string key, [NotNullWhen(true)] out ReadyEndpoint? endpoint)
    {
        endpoint = _places.TryGetValue(key, out int place) ? this[place] : null;
        return endpoint is not null;
    }

    internal Builder ToBuilder() => new(this);

    private sealed record Chunk(ReadyEndpoint[] Slots, int HeaviestWeight);

    /// <summary>Collects the changes of one delta.</summary>
    internal sealed class Builder(ReadyEndpointSet from)
    {
        private readonly Dictionary<int, ReadyEndpoint[]> _changed = [];   // by the chunk's number; full size
        private readonly PersistentMap<string, int>.Builder _places = from._places.ToBuilder();
        private int _count = from.Count;

        /// <summary>Adds an endpoint or replaces it where it is.</summary>
        public void Put(string key, ReadyEndpoint endpoint)
        {
            if (!_places.TryGetValue(key, out int place))
            {
                place = _count++;
                _places.Put(key, place);
            }
            SlotAt(place) = endpoint;
        }

        /// <summary>Removes an endpoint; the last one takes over its number.</summary>
        public void Remove(string key)
        {
            if (!_places.TryGetValue(key, out int place))
                return;
            _places.Remove(key);
            ref ReadyEndpoint last = ref SlotAt(--_count);
            if (place != _count)
            {
                SlotAt(place) = last;
                _places.Put(last.Key, place);
            }
            last = null!;   // beyond the count: nobody reads it
        }

        public ReadyEndpointSet ToSet()
        {
            if (_changed.Count == 0)
                return from;
            if (_count == 0)
                return Empty;
            var chunks = new Chunk[(_count + ChunkSize - 1) >> ChunkShift];
            for (int i = 0; i < chunks.Length; i++)
                chunks[i] = _changed.TryGetValue(i, out ReadyEndpoint[]? slots) ? Closed(slots, Math.Min(ChunkSize, _count - (i << ChunkShift))) : from._chunks[i];
            return new ReadyEndpointSet(chunks, _count, _places.ToMap());
        }

        private static Chunk Closed(ReadyEndpoint[] slots, int used)
        {
            int heaviest = 0;
            foreach (ReadyEndpoint endpoint in slots.AsSpan(0, used))
                heaviest = Math.Max(heaviest, endpoint.Weight);
            return new Chunk(used == slots.Length ? slots : slots[..used], heaviest);
        }

        private ref ReadyEndpoint SlotAt(int place)
        {
            int number = place >> ChunkShift;
            if (!_changed.TryGetValue(number, out ReadyEndpoint[]? slots))
            {
                slots = new ReadyEndpoint[ChunkSize];
                if (number < from._chunks.Length)
                    from._chunks[number].Slots.CopyTo(slots, 0);
                _changed.Add(number, slots);
            }
            return ref slots[place & (ChunkSize - 1)];
        }
    }
}
