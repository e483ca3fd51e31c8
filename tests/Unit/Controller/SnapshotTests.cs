using Ambient.Controller.Model;
using Ambient.Controller.Snapshots;
using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Mesh.V1;
using Google.Protobuf;

namespace Ambient.Tests.Unit.Controller;

public sealed class SnapshotTests
{
    [Fact]
    public void What_is_put_together_by_hand_says_what_serializing_gives_in_as_many_bytes()
    {
        var random = new Random(7);
        for (var round = 0; round < 200; round++)
        {
            var upserts = Enumerable.Range(0, random.Next(5)).Select(i => Workload($"u{i}", new string('x', random.Next(400)))).ToList();
            var removals = Enumerable.Range(0, random.Next(4)).Select(i => $"workload/gone{i}").ToList();
            var nonce = ByteString.CopyFrom(new byte[random.Next(1, 20)]);
            var version = (ulong)random.NextInt64(1, long.MaxValue);

            var (makes, buildsOn) = (new ViewFingerprint((UInt128)random.NextInt64()), new ViewFingerprint(UInt128.MaxValue - (UInt128)random.NextInt64()));

            var change = DeltaEncoder.Change(new DeltaHead(version, nonce, makes, buildsOn), [.. upserts.Select(u => ToldResource.Of(u, ""))], removals);
            var twin = new Delta { Version = version, Nonce = nonce, Upserts = { upserts }, Removals = { removals }, Fingerprint = makes.ToBytes(), BuildsOn = buildsOn.ToBytes() };
            Assert.Equal(upserts.Count + removals.Count == 0 ? [] : [twin], change!.Parts.Select(p => Delta.Parser.ParseFrom(p.Span)));
            Assert.All(change.Parts, p => Assert.Equal(twin.CalculateSize(), p.Length));

            var full = DeltaEncoder.Full(new DeltaHead(version, nonce, makes), [.. upserts.Select(u => ToldResource.Of(u, ""))]);
            var fullTwin = new Delta { Version = version, Nonce = nonce, Full = true, Upserts = { upserts }, Fingerprint = makes.ToBytes() };
            Assert.Equal(fullTwin, Delta.Parser.ParseFrom(Assert.Single(full.Parts).Span));
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
                    .Select(uid => random.Next(3) == 0 ? Gone(uid) : Update(uid, $"{random.Next(5)}"));
                history.Apply([.. updates]);
                var truth = Replay([], Full(history));
                foreach (var (version, view) in nodes)
                    Assert.Equal(truth, Replay(new(view), Change(history, version) ?? Full(history)));
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
        Assert.Equal(1ul, history.Apply([Gone("b")]));
        Assert.Equal(2ul, history.Apply([Update("a", "2")]));
    }

    [Fact]
    public void The_same_step_is_encoded_once_for_all_nodes()
    {
        var history = new ViewHistory();
        history.Apply([Update("a", "1")]);
        history.Apply([Update("a", "2")]);
        Assert.Same(Change(history, 1), Change(history, 1));
        Assert.Null(Change(history, 0));
        Assert.Null(Change(history, 77));
    }

    [Fact]
    public async Task A_full_view_is_encoded_once_for_all_nodes_and_serves_on_while_few_changes_have_to_follow_it()
    {
        var history = new ViewHistory();
        var full = new FullViews(history);
        history.Apply([Update("a", "1")]);
        var first = await full.OfAsync(ViewScope.Everything, isCompressed: false, above: 0);
        history.Apply([Update("a", "2")]);

        Assert.Same(first, await full.OfAsync(ViewScope.Everything, isCompressed: false, above: 0));
        Assert.Equal("2", Replay(Replay([], first), Change(history, first.Version)!)["workload/a"].Workload.Name);
        // A node that refused it wants another.
        Assert.Equal(2ul, (await full.OfAsync(ViewScope.Everything, isCompressed: false, above: 1)).Version);

        var second = await full.OfAsync(ViewScope.Everything, isCompressed: false, above: 1);
        history.Apply(Enumerable.Range(0, FullViews.MaxKeysBehind + 1).Select(i => Update($"b{i}", "1")));
        Assert.NotSame(second, await full.OfAsync(ViewScope.Everything, isCompressed: false, above: 0));
    }

    [Fact]
    public void A_node_is_told_of_the_namespaces_of_its_scope_and_of_what_no_namespace_has()
    {
        var history = new ViewHistory();
        var shop = new ViewScope(["shop"]);
        history.Apply([Update("s", "1", "shop"), Update("b", "1", "bank"), Update("all", "1", "")]);
        Assert.Equal(["workload/all", "workload/s"], Replay([], Full(history, shop)).Keys.Order());

        history.Apply([Update("b", "2", "bank")]);
        Assert.True(history.ChangeFrom(1, shop, shop)!.IsEmpty);
        history.Apply([Gone("b", "bank"), Gone("s", "shop"), Update("t", "1", "shop")]);
        var change = Delta.Parser.ParseFrom(Assert.Single(history.ChangeFrom(1, shop, shop)!.Parts).Span);
        Assert.Equal(["workload/t"], change.Upserts.Select(u => u.Key));
        Assert.Equal(["workload/s"], change.Removals);
        Assert.Same(history.ChangeFrom(1, shop, shop), history.ChangeFrom(1, shop, shop));
    }

    [Fact]
    public void A_scope_that_grows_or_shrinks_brings_the_rest_or_takes_it_away_with_the_next_change()
    {
        for (var seed = 0; seed < 50; seed++)
        {
            var random = new Random(seed);
            var history = new ViewHistory(maxKeys: 1000);
            ViewScope[] scopes = [ViewScope.Everything, ViewScope.Nothing, new(["shop"]), new(["shop", "bank"]), new(["bank", "none"])];
            var (scope, view, version) = (scopes[0], new Dictionary<string, Resource>(), 0ul);
            for (var step = 0; step < 60; step++)
            {
                history.Apply([.. Enumerable.Range(0, random.Next(0, 4)).Select(_ => $"k{random.Next(12)}").Distinct()
                    .Select(uid => (uid, Ns: uid.Length % 2 == 0 ? "shop" : uid[1] == '1' ? "" : "bank"))
                    .Select(k => random.Next(3) == 0 ? Gone(k.uid, k.Ns) : Update(k.uid, $"{random.Next(5)}", k.Ns))]);
                if (random.Next(3) == 0)
                    continue;
                var wanted = scopes[random.Next(scopes.Length)];
                view = Replay(view, history.ChangeFrom(version, scope, wanted) ?? Full(history, wanted));
                (scope, version) = (wanted, history.Version);
                Assert.Equal(Replay([], Full(history, wanted)), view);
            }
        }
    }

    [Fact]
    public void A_version_that_the_history_no_longer_reaches_gets_the_whole_view()
    {
        var history = new ViewHistory(maxKeys: 10);
        for (var i = 1; i <= 30; i++)
            history.Apply([Update("a", $"{i}")]);
        Assert.Null(Change(history, 3));
        Assert.False(Change(history, 25)!.IsFull);
    }

    [Fact]
    public void A_change_that_one_message_cannot_hold_is_sent_as_a_whole_view_in_parts()
    {
        var history = new ViewHistory();
        history.Apply([Update("a", "1")]);
        var large = new string('x', 100_000);
        history.Apply([.. Enumerable.Range(0, 50).Select(i => Update($"b{i}", large))]);

        Assert.Null(Change(history, 1));
        var delta = Full(history);
        Assert.True(delta.IsFull);
        Assert.True(delta.Parts.Length >= 2);
        Assert.All(delta.Parts, p => Assert.True(p.Length < 3 << 20));
        Assert.Equal(51, Replay([], delta).Count);
        Assert.Equal([true, false], delta.Parts.Select(p => Delta.Parser.ParseFrom(p.Span).More).Distinct());
    }

    [Fact]
    public void Two_processes_have_two_epochs() => Assert.NotEqual(new ViewHistory().Epoch, new ViewHistory().Epoch);

    private static EncodedDelta? Change(ViewHistory history, ulong from) => history.ChangeFrom(from, ViewScope.Everything, ViewScope.Everything);

    private static EncodedDelta Full(ViewHistory history, ViewScope? scope = null)
    {
        var (version, fingerprint, resources) = history.Whole(scope ?? ViewScope.Everything);
        return DeltaEncoder.Full(new DeltaHead(version, ViewHistory.NewNonce(), fingerprint), resources);
    }

    private static ToldChange Update(string uid, string name, string ns = "shop") => ToldChange.To(ToldResource.Of(Workload(uid, name), ns));

    private static ToldChange Gone(string uid, string ns = "shop") => new($"workload/{uid}", ns, null);

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
