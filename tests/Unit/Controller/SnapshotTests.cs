using Ambient.Controller.Snapshots;
using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Mesh.V1;
using Google.Protobuf;

namespace Ambient.Tests.Unit.Controller;

public sealed class SnapshotTests
{
    [Fact]
    public void What_is_put_together_by_hand_are_the_bytes_that_serializing_gives()
    {
        var random = new Random(7);
        for (var round = 0; round < 200; round++)
        {
            var upserts = Enumerable.Range(0, random.Next(5)).Select(i => Workload($"u{i}", new string('x', random.Next(400)))).ToList();
            var removals = Enumerable.Range(0, random.Next(4)).Select(i => $"workload/gone{i}").ToList();
            var nonce = ByteString.CopyFrom(new byte[random.Next(1, 20)]);
            var version = (ulong)random.NextInt64(1, long.MaxValue);

            var change = DeltaEncoder.Change(version, nonce, [.. upserts.Select(u => u.ToByteString())], removals);
            var twin = new Delta { Version = version, Nonce = nonce, Upserts = { upserts }, Removals = { removals } };
            Assert.Equal(twin.ToByteArray(), Assert.Single(change!.Parts).ToArray());

            var full = DeltaEncoder.Full(version, nonce, upserts.Select(u => u.ToByteString()));
            var fullTwin = new Delta { Version = version, Nonce = nonce, Full = true, Upserts = { upserts } };
            Assert.Equal(fullTwin.ToByteArray(), Assert.Single(full.Parts).ToArray());
        }
    }

    [Fact]
    public void Replaying_the_deltas_from_any_version_gives_the_present_view()
    {
        for (var seed = 0; seed < 50; seed++)
        {
            var random = new Random(seed);
            var history = new ViewHistory(maxKeys: 40);
            var nodes = new Dictionary<ulong, Dictionary<string, Resource>>();
            for (var step = 0; step < 60; step++)
            {
                var updates = Enumerable.Range(0, random.Next(1, 4)).Select(_ => $"k{random.Next(8)}").Distinct()
                    .Select(uid => KeyValuePair.Create($"workload/{uid}", random.Next(3) == 0 ? null : Workload(uid, $"{random.Next(5)}").ToByteString()));
                history.Apply([.. updates]);
                var truth = Replay([], history.DeltaFrom(0));
                foreach (var (version, view) in nodes)
                    Assert.Equal(truth, Replay(new(view), history.DeltaFrom(version)));
                if (random.Next(3) == 0)
                    nodes[history.Version] = truth;
            }
        }
    }

    [Fact]
    public void What_did_not_change_makes_no_version()
    {
        var history = new ViewHistory();
        Assert.Equal(0ul, history.Version);
        Assert.Equal(1ul, history.Apply([Update("a", "1")]));
        Assert.Equal(1ul, history.Apply([Update("a", "1")]));
        Assert.Equal(1ul, history.Apply([new("workload/b", null)]));
        Assert.Equal(2ul, history.Apply([Update("a", "2")]));
    }

    [Fact]
    public void The_same_step_is_encoded_once_for_all_nodes()
    {
        var history = new ViewHistory();
        history.Apply([Update("a", "1")]);
        history.Apply([Update("a", "2")]);
        Assert.Same(history.DeltaFrom(1), history.DeltaFrom(1));
        Assert.Same(history.DeltaFrom(0), history.DeltaFrom(77));
    }

    [Fact]
    public void A_version_that_the_history_no_longer_reaches_gets_the_whole_view()
    {
        var history = new ViewHistory(maxKeys: 10);
        for (var i = 1; i <= 30; i++)
            history.Apply([Update("a", $"{i}")]);
        Assert.True(history.DeltaFrom(3).IsFull);
        Assert.False(history.DeltaFrom(25).IsFull);
    }

    [Fact]
    public void A_change_that_one_message_cannot_hold_is_sent_as_a_whole_view_in_parts()
    {
        var history = new ViewHistory();
        history.Apply([Update("a", "1")]);
        var large = new string('x', 100_000);
        history.Apply([.. Enumerable.Range(0, 50).Select(i => Update($"b{i}", large))]);

        var delta = history.DeltaFrom(1);
        Assert.True(delta.IsFull);
        Assert.True(delta.Parts.Length >= 2);
        Assert.All(delta.Parts, p => Assert.True(p.Length < 3 << 20));
        Assert.Equal(51, Replay([], delta).Count);
        Assert.Equal([true, false], delta.Parts.Select(p => Delta.Parser.ParseFrom(p.Span).More).Distinct());
    }

    [Fact]
    public void Two_processes_have_two_epochs() => Assert.NotEqual(new ViewHistory().Epoch, new ViewHistory().Epoch);

    private static KeyValuePair<string, ByteString?> Update(string uid, string name) => new($"workload/{uid}", Workload(uid, name).ToByteString());

    private static Resource Workload(string uid, string name) => new() { Key = $"workload/{uid}", Workload = new WorkloadResource { Uid = uid, Name = name } };

    private static Dictionary<string, Resource> Replay(Dictionary<string, Resource> view, EncodedDelta delta)
    {
        if (delta.IsFull)
            view.Clear();
        foreach (var part in delta.Parts.Select(p => Delta.Parser.ParseFrom(p.Span)))
        {
            foreach (var upsert in part.Upserts)
                view[upsert.Key] = upsert;
            foreach (var key in part.Removals)
                view.Remove(key);
        }
        return view;
    }
}
