using Ambient.NodeProxy.Discovery;

namespace Ambient.Tests.Unit.Discovery;

public sealed class PersistentMapTests
{
    // A key whose hash the test chooses, so that paths share prefixes and whole hashes.
    private readonly record struct Key(int Id, int HashBits) : IEquatable<Key>
    {
        public override int GetHashCode() => HashBits;
    }

    [Theory]
    [InlineData(int.MaxValue, 1)]
    [InlineData(50, 2)]      // every hash is shared by many keys
    [InlineData(1, 3)]       // one hash for all
    [InlineData(-1, 4)]      // hashes that differ in their last two bits only, at the bottom of the trie
    public void A_map_holds_what_a_dictionary_holds_after_the_same_changes(int distinctHashes, int seed)
    {
        var random = new Random(seed);
        var map = PersistentMap<Key, int>.Empty;
        var twin = new Dictionary<Key, int>();
        var versions = new List<(PersistentMap<Key, int> Map, Dictionary<Key, int> Twin)>();
        for (int round = 0; round < 200; round++)
        {
            PersistentMap<Key, int>.Builder builder = map.ToBuilder();
            for (int change = random.Next(20); change >= 0; change--)
            {
                int id = random.Next(400);
                var key = new Key(id, distinctHashes < 0 ? (id % 4) << 30 : (id * 7_919) % distinctHashes);
                if (random.Next(3) > 0)
                {
                    builder.Put(key, change);
                    twin[key] = change;
                }
                else
                {
                    Assert.Equal(twin.Remove(key), builder.Remove(key));
                }
            }
            map = builder.ToMap();
            versions.Add((map, new Dictionary<Key, int>(twin)));
        }
        foreach ((PersistentMap<Key, int> version, Dictionary<Key, int> expected) in versions)
        {
            Assert.Equal(expected.Count, version.Count);
            Assert.Equal(expected, version.ToDictionary());
            Assert.All(expected, entry => Assert.True(version.TryGetValue(entry.Key, out int value) && value == entry.Value));
            Assert.False(version.TryGetValue(new Key(1_000, 3), out _));
        }
    }

    [Fact]
    public void A_builder_that_changed_nothing_gives_the_very_map_it_came_from()
    {
        PersistentMap<string, int>.Builder builder = PersistentMap<string, int>.Empty.ToBuilder();
        builder.Put("a", 1);
        PersistentMap<string, int> map = builder.ToMap();
        builder = map.ToBuilder();
        builder.Remove("b");
        Assert.Same(map, builder.ToMap());
    }
}
