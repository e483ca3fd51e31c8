using Ambient.Controller.Model;
using Ambient.Controller.Snapshots;
using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Mesh.V1;
using Google.Protobuf;

namespace Ambient.Tests.Unit.Controller;

/// <summary>
/// A node that comes from another controller of the mesh, or from the process before, is sent what changed since: the two know what it holds
/// by its fingerprint, though they number their versions each for itself.
/// </summary>
public sealed class ResumeTests
{
    private static readonly byte[] Key = [.. Enumerable.Range(0, FingerprintKey.KeyBytes).Select(i => (byte)i)];
    private static readonly ViewScope Shop = new(["shop"]);

    [Fact]
    public void The_same_content_has_the_same_fingerprint_whatever_the_order_and_the_steps_it_came_in()
    {
        for (var seed = 0; seed < 50; seed++)
        {
            var random = new Random(seed);
            var (one, other) = (New(), New());
            var content = new Dictionary<ToldKey, ToldChange>();
            for (var i = 0; i < 200; i++)
            {
                var change = Change(random);
                content[change.Key] = change;
                one.Apply([change]);
            }
            foreach (var batch in content.Values.OrderBy(_ => random.Next()).Chunk(random.Next(1, 9)))
                other.Apply(batch);

            Assert.Equal(one.Whole(ViewScope.Everything).Fingerprint, other.Whole(ViewScope.Everything).Fingerprint);
            Assert.Equal(other.Version, other.VersionOf(one.Whole(ViewScope.Everything).Fingerprint, ViewScope.Everything));
            Assert.Equal(other.Whole(Shop).Fingerprint, one.Whole(Shop).Fingerprint);
            Assert.NotEqual(one.Whole(Shop).Fingerprint, one.Whole(ViewScope.Everything).Fingerprint);
        }
    }

    [Fact]
    public void What_was_told_a_while_ago_is_recognised_in_each_scope_and_what_never_was_is_not()
    {
        for (var seed = 0; seed < 50; seed++)
        {
            var random = new Random(seed);
            var history = New();
            var told = new Dictionary<(ViewScope Scope, ViewFingerprint Fingerprint), ulong>();   // the newest version of each
            for (var i = 0; i < 60; i++)
            {
                history.Apply([.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => Change(random)).DistinctBy(c => c.Key)]);
                foreach (var scope in new[] { ViewScope.Everything, ViewScope.Nothing, Shop })
                    told[(scope, history.Whole(scope).Fingerprint)] = history.Version;
            }
            foreach (var ((scope, fingerprint), version) in told)
                Assert.Equal(version, history.VersionOf(fingerprint, scope));
            Assert.Equal(0ul, history.VersionOf(new ViewFingerprint(1), ViewScope.Everything));
            Assert.Equal(0ul, history.VersionOf(history.Whole(ViewScope.Everything).Fingerprint + new ViewFingerprint(1), ViewScope.Everything));
        }
    }

    [Fact]
    public void A_controller_of_another_mesh_recognises_nothing()
    {
        var (ours, theirs) = (New(), new ViewHistory());
        ours.Apply([Update("a", "1")]);
        theirs.Apply([Update("a", "1")]);
        Assert.Equal(0ul, theirs.VersionOf(ours.Whole(ViewScope.Everything).Fingerprint, ViewScope.Everything));
    }

    [Fact]
    public void Versions_that_are_forgotten_are_not_recognised()
    {
        var history = new ViewHistory(new FingerprintKey(Key), maxKeys: 5);
        history.Apply([Update("a", "first")]);
        var first = history.Whole(ViewScope.Everything).Fingerprint;
        for (var i = 0; i < 5; i++)
            history.Apply([Update("a", $"{i}")]);
        Assert.Equal(1ul, history.VersionOf(first, ViewScope.Everything));
        history.Apply([Update("a", "last")]);
        Assert.Equal(0ul, history.VersionOf(first, ViewScope.Everything));
    }

    [Fact]
    public async Task A_node_of_a_controller_that_started_again_is_sent_the_next_change_and_nothing_before()
    {
        await using var rig = await ControllerRig.StartAsync();
        var held = await HeldAsync(rig);
        await rig.RestartAsync();

        await using var node = await rig.ConnectAsync("a", epoch: held.Epoch, version: held.Last.Version, fingerprint: held.Last.Fingerprint);
        await node.UntilAsync(() => node.Orders.Count > 0);
        Assert.NotEqual(held.Epoch, node.Welcome.Epoch);

        rig.Write("more.yaml", "{kind: Service, apiVersion: v1, metadata: {name: cache, namespace: shop}, spec: {clusterIP: 10.2.0.9, ports: [{port: 6379}]}}");
        await node.UntilAsync(() => node.Deltas.Count > 0);
        var change = Assert.Single(node.Deltas);
        Assert.False(change.Full);
        Assert.Equal(held.Last.Fingerprint, change.BuildsOn);
        Assert.NotEqual(change.BuildsOn, change.Fingerprint);
        Assert.Equal(["service/shop/cache"], change.Upserts.Select(u => u.Key));
    }

    [Fact]
    public async Task A_node_that_holds_what_nobody_knows_gets_all_of_it()
    {
        await using var rig = await ControllerRig.StartAsync();
        var held = await HeldAsync(rig);
        await rig.RestartAsync();
        foreach (var fingerprint in new[] { ByteString.Empty, ByteString.CopyFrom(new byte[16]), ByteString.CopyFrom(new byte[3]), ByteString.CopyFrom(new byte[4000]) })
        {
            await using var node = await rig.ConnectAsync("a", epoch: held.Epoch, version: held.Last.Version, fingerprint: fingerprint);
            await node.UntilAsync(() => node.Deltas.Count > 0);
            Assert.True(node.Deltas[0].Full);
        }
    }

    [Fact]
    public async Task What_was_recognised_wrongly_is_refused_by_the_node_and_sent_whole()
    {
        await using var rig = await ControllerRig.StartAsync();
        var held = await HeldAsync(rig);
        await rig.RestartAsync();
        await using var node = await rig.ConnectAsync("a", epoch: held.Epoch, version: held.Last.Version, fingerprint: held.Last.Fingerprint);
        node.AcksByItself = false;
        rig.Write("more.yaml", "{kind: Service, apiVersion: v1, metadata: {name: cache, namespace: shop}, spec: {clusterIP: 10.2.0.9, ports: [{port: 6379}]}}");
        await node.UntilAsync(() => node.Deltas.Count > 0);
        await node.NackAsync(node.Deltas[0], "it does not build upon what is held");

        rig.Write("again.yaml", "{kind: Service, apiVersion: v1, metadata: {name: queue, namespace: shop}, spec: {clusterIP: 10.2.0.10, ports: [{port: 5672}]}}");
        await node.UntilAsync(() => node.Deltas.Count > 1);
        Assert.True(node.Deltas[1].Full);
    }

    private static async Task<(string Epoch, Delta Last)> HeldAsync(ControllerRig rig)
    {
        await using var node = await rig.ConnectAsync("a");
        await node.UntilAsync(() => node.Deltas.Count > 0);
        await node.SettleAsync();
        Assert.Equal(16, node.Deltas[^1].Fingerprint.Length);
        return (node.Welcome.Epoch, node.Deltas[^1]);
    }

    private static ViewHistory New() => new(new FingerprintKey(Key));

    private static ToldChange Change(Random random)
    {
        var uid = $"k{random.Next(30)}";
        var ns = uid.Length % 2 == 0 ? "shop" : uid[1] == '1' ? "" : "bank";
        return random.Next(3) == 0 ? new ToldChange($"workload/{uid}", ns, null) : Update(uid, $"{random.Next(5)}", ns);
    }

    private static ToldChange Update(string uid, string name, string ns = "shop") =>
        ToldChange.To(ToldResource.Of(new Resource { Key = $"workload/{uid}", Workload = new() { Uid = uid, Name = name } }, ns));
}
