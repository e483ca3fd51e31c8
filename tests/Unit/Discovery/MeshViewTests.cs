using System.Net;
using System.Net.Sockets;
using Ambient.NodeProxy.Discovery;
using Ambient.Protocol.Mesh.V1;
using Ambient.Protocol.Model;
using Google.Protobuf;
using static Ambient.Tests.Unit.Discovery.MeshWorld;

namespace Ambient.Tests.Unit.Discovery;

public sealed class MeshViewTests
{
    private static readonly IPAddress Ten1 = IPAddress.Parse("10.0.0.1");

    [Fact]
    public void A_workload_is_found_by_its_address_in_either_spelling()
    {
        MeshView view = View(Pod("1", "10.0.0.1"), Pod("2", "fd00::2"));
        Assert.True(view.TryFindWorkload(Ten1, out Workload? found));
        Assert.Equal("1", found.Uid);
        Assert.True(view.TryFindWorkload(Ten1.MapToIPv6(), out found));
        Assert.Equal("1", found.Uid);
        Assert.True(view.TryFindWorkload(IPAddress.Parse("fd00::2"), out found));
        Assert.Equal("2", found.Uid);
        Assert.False(view.TryFindWorkload(IPAddress.Parse("10.0.0.9"), out _));
    }

    [Fact]
    public void A_pod_on_the_host_s_network_is_found_by_uid_and_node_but_not_by_address()
    {
        MeshView view = View(Pod("1", "192.0.2.1", hostNetwork: true));
        Assert.False(view.TryFindWorkload(IPAddress.Parse("192.0.2.1"), out _));
        Assert.True(view.TryFindWorkloadByUid("1", out _));
        Assert.Single(view.WorkloadsOn("a"));
    }

    [Fact]
    public void A_pod_that_changes_node_and_address_is_found_only_where_it_is_now()
    {
        MeshView view = View(Pod("1", "10.0.0.1")).Upsert(Pod("1", "10.0.0.2", node: "b"));
        Assert.False(view.TryFindWorkload(Ten1, out _));
        Assert.Empty(view.WorkloadsOn("a"));
        Assert.Single(view.WorkloadsOn("b"));
        Assert.True(view.TryFindWorkload(IPAddress.Parse("10.0.0.2"), out _));
    }

    [Fact]
    public void An_address_claimed_twice_leads_to_the_further_enrolled_pod_in_whatever_order_they_came()
    {
        Resource old = Pod("1", "10.0.0.1", enrolment: Enrolment.None), young = Pod("2", "10.0.0.1");
        foreach (MeshView view in (MeshView[])[View(old, young), View(young, old), View(old).Upsert(young), View(young).Upsert(old)])
        {
            Assert.True(view.TryFindWorkload(Ten1, out Workload? found));
            Assert.Equal("2", found.Uid);
            Assert.Equal(1, view.ContestedAddresses);

            MeshView later = view.Remove("workload/2");
            Assert.True(later.TryFindWorkload(Ten1, out found));
            Assert.Equal("1", found.Uid);
            Assert.Equal(0, later.ContestedAddresses);
            Assert.False(later.Remove("workload/1").TryFindWorkload(Ten1, out _));
        }
    }

    [Fact]
    public void A_service_and_its_endpoints_may_come_in_any_order()
    {
        MeshView view = View(EndpointOf("api", "10.0.0.1"));
        Assert.False(view.TryFindService(IPAddress.Parse("10.96.0.1"), out _));
        view = view.Upsert(ServiceOf("api", "10.96.0.1"));
        Assert.True(view.TryFindService(IPAddress.Parse("10.96.0.1"), out ServiceView? service));
        Assert.True(service.TryFindPort(80, out Protocol.Model.ServicePort? port));
        ReadyEndpoint ready = Assert.Single(service.ReadyEndpoints(port));
        Assert.Equal(("endpoint/shop/api/10.0.0.1", Ten1, 8080, (string?)null, 1), (ready.Key, ready.Address, ready.Port, ready.WorkloadUid, ready.Weight));
        Assert.False(service.TryFindPort(53, out _));   // UDP
        Assert.False(service.TryFindPort(81, out _));
    }

    [Fact]
    public void Only_ready_endpoints_of_the_port_are_offered()
    {
        MeshView view = View(
            ServiceOf("api", "10.96.0.1"), EndpointOf("api", "10.0.0.1"), EndpointOf("api", "10.0.0.2", ready: false), EndpointOf("api", "10.0.0.3", port: "admin"),
            EndpointOf("api", "fd00::4"));
        Assert.True(view.TryFindService("shop", "api", out ServiceView? service));
        Assert.True(service.TryFindPort(80, out Protocol.Model.ServicePort? port));
        Assert.Equal(["10.0.0.1", "fd00::4"], service.ReadyEndpoints(port).Select(e => e.Address.ToString()));
        Assert.Equal(1, service.ReadyEndpoints(port, AddressFamily.InterNetworkV6).Count);
        Assert.Equal(4, service.EndpointCount);

        view = view.Upsert(EndpointOf("api", "10.0.0.1", ready: false), EndpointOf("api", "10.0.0.2"));
        Assert.True(view.TryFindService("shop", "api", out service));
        Assert.Equal(["10.0.0.2", "fd00::4"], service.ReadyEndpoints(port).Select(e => e.Address.ToString()));
    }

    [Fact]
    public void What_a_delta_leaves_alone_is_the_same_object_before_and_after()
    {
        MeshView before = View(ServiceOf("api", "10.96.0.1"), ServiceOf("web", "10.96.0.2"), EndpointOf("api", "10.0.0.1"));
        MeshView after = before.Upsert(EndpointOf("web", "10.0.0.2"));
        Assert.True(before.TryFindService("shop", "api", out ServiceView? old));
        Assert.True(after.TryFindService("shop", "api", out ServiceView? now));
        Assert.Same(old, now);
        Assert.True(before.TryFindService("shop", "web", out old));
        Assert.Equal(0, old.EndpointCount);
    }

    [Fact]
    public void A_full_delta_leaves_nothing_of_what_was()
    {
        MeshView view = View(Settings("old.example"), Pod("1", "10.0.0.1"), ServiceOf("api", "10.96.0.1"));
        view = After(view, Delta(1, true, [Pod("2", "10.0.0.2")], []) with { Epoch = "epoch-2" });
        Assert.Equal("epoch-2", view.Epoch);
        Assert.Equal("cluster.local", view.Settings.TrustDomain);
        Assert.Equal(["2"], view.Workloads.Select(w => w.Uid));
        Assert.Equal(0, view.ServiceCount);
    }

    [Fact]
    public void A_change_of_another_epoch_fits_when_it_builds_upon_what_is_held_and_no_other_does()
    {
        (ByteString held, ByteString next) = (ByteString.CopyFromUtf8("held"), ByteString.CopyFromUtf8("next"));
        MeshView view = After(MeshView.Empty, Delta(7, true, [Pod("1", "10.0.0.1")], []) with { Fingerprint = held });

        MeshDelta change = Delta(2, false, [Pod("2", "10.0.0.2")], []) with { Epoch = "epoch-2", BuildsOn = held, Fingerprint = next };
        MeshView after = After(view, change);
        Assert.Equal(("epoch-2", 2UL, 2), (after.Epoch, after.Version, after.WorkloadCount));
        Assert.Equal(next, after.Fingerprint);

        Assert.False(after.TryApply(change, out _, out string? reason));
        Assert.Contains("does not build upon", reason);
        Assert.False(after.TryApply(Delta(3, false, [], []) with { BuildsOn = held }, out _, out _));
        Assert.True(after.TryApply(Delta(3, false, [], []) with { Epoch = "epoch-2", BuildsOn = next }, out _, out _));
    }

    [Theory]
    [InlineData("epoch-2", 9UL, "epoch")]
    [InlineData(Epoch, 0UL, "older")]
    [InlineData("", 9UL, "no epoch")]
    public void A_delta_that_does_not_fit_is_refused_with_the_reason(string epoch, ulong version, string expected)
    {
        Assert.False(View().TryApply(new MeshDelta(epoch, version, false, [], []), out _, out string? reason));
        Assert.Contains(expected, reason);
        Assert.False(MeshView.Empty.TryApply(new MeshDelta(Epoch, 1, false, [], []), out _, out reason));
        Assert.Contains("before the first full view", reason);
    }

    [Fact]
    public void A_delta_with_one_bad_resource_is_refused_as_a_whole()
    {
        MeshView view = View(Pod("1", "10.0.0.1"));
        string before = Content(view);
        Resource bad = Pod("3", "10.0.0.3");
        bad.Workload.Addresses.Add(Google.Protobuf.ByteString.CopyFrom(1, 2, 3));
        Assert.False(view.TryApply(Delta(2, false, [Pod("2", "10.0.0.2"), bad], ["workload/1"]), out MeshView? next, out string? reason));
        Assert.Null(next);
        Assert.Contains("workload/3", reason);
        Assert.Equal(before, Content(view));
    }

    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    [InlineData(13)]
    public void A_sequence_of_deltas_leads_to_the_view_that_its_outcome_alone_would_make(int seed)
    {
        var random = new Random(seed);
        MeshView view = View();
        var twin = new Dictionary<string, Resource>();
        for (int version = 2; version < 120; version++)
        {
            var upserts = new Dictionary<string, Resource>();
            for (int i = random.Next(6); i > 0; i--)
            {
                Resource resource = RandomResource(random);
                upserts[resource.Key] = resource;
            }
            string[] removals = [.. twin.Keys.Where(_ => random.Next(12) == 0), "workload/unknown", "endpoint/shop/nothing/1", "nonsense"];
            view = After(view, Delta((ulong)version, false, [.. upserts.Values], removals));
            foreach (string key in removals)
                twin.Remove(key);
            foreach ((string key, Resource resource) in upserts)
                twin[key] = resource;

            MeshView rebuilt = After(MeshView.Empty, Delta((ulong)version, true, [.. twin.Values.OrderBy(_ => random.Next())], []));
            Assert.Equal(Content(rebuilt), Content(view));
            AssertSameAnswers(rebuilt, view);
        }
    }

    private static Resource RandomResource(Random random) => random.Next(3) switch
    {
        0 => Pod($"{random.Next(20)}", $"10.0.0.{random.Next(1, 12)}", $"n{random.Next(3)}", (Enrolment)random.Next(4), hostNetwork: random.Next(8) == 0),
        1 => ServiceOf($"s{random.Next(4)}", [.. Enumerable.Range(0, random.Next(3)).Select(_ => $"10.96.0.{random.Next(1, 6)}").Distinct()]),
        _ => EndpointOf($"s{random.Next(4)}", $"10.0.0.{random.Next(1, 100)}", random.Next(3) > 0, random.Next(1, 4), random.Next(4) > 0 ? "http" : "admin"),
    };

    private static void AssertSameAnswers(MeshView expected, MeshView actual)
    {
        Assert.Equal(expected.ContestedAddresses, actual.ContestedAddresses);
        for (int i = 1; i < 12; i++)
        {
            IPAddress address = IPAddress.Parse($"10.0.0.{i}");
            Assert.Equal(expected.TryFindWorkload(address, out Workload? one), actual.TryFindWorkload(address, out Workload? other));
            Assert.Equal(one?.Uid, other?.Uid);
            address = IPAddress.Parse($"10.96.0.{i}");
            Assert.Equal(expected.TryFindService(address, out ServiceView? service), actual.TryFindService(address, out ServiceView? sameService));
            Assert.Equal(Ready(service), Ready(sameService));
        }
        for (int i = 0; i < 3; i++)
            Assert.Equal(expected.WorkloadsOn($"n{i}").Select(w => w.Uid).Order(), actual.WorkloadsOn($"n{i}").Select(w => w.Uid).Order());
    }

    private static string Ready(ServiceView? service) => service is null ? "" : service.FullName + string.Join(' ',
        service.Service.Ports.SelectMany(port => service.ReadyEndpoints(port).Select(e => $"{port.Name}={e.Address}:{e.Port}*{e.Weight}")).Order(StringComparer.Ordinal));

    [Fact]
    public void Nodes_are_found_by_name_and_address_and_policies_by_key_until_they_are_removed()
    {
        Resource Node(string address) => ResourceWriter.Write(new Node { Name = "a", Addresses = [IPAddress.Parse(address)], Zone = "z1" });
        MeshView view = MeshWorld.View(Node("192.0.2.1"), ResourceWriter.Write(new AccessPolicy { Namespace = "shop", Name = "orders" }));
        Assert.True(view.TryFindNode("a", out Node? node));
        Assert.True(view.TryFindNodeByAddress(IPAddress.Parse("192.0.2.1"), out Node? found));
        Assert.Same(node, found);
        Assert.True(view.TryFindPolicy("policy/shop/orders", out _));

        MeshView moved = view.Upsert(Node("192.0.2.2"));
        Assert.False(moved.TryFindNodeByAddress(IPAddress.Parse("192.0.2.1"), out _));
        Assert.True(moved.TryFindNodeByAddress(IPAddress.Parse("192.0.2.2"), out _));
        Assert.Equal(MeshWorld.Content(moved), MeshWorld.Content(MeshWorld.View([.. moved.Resources().Select(ResourceWriter.Write)])));

        MeshView gone = moved.Remove("node/a", "policy/shop/orders", "node/none", "policy/shop/none");
        Assert.False(gone.TryFindNode("a", out _));
        Assert.False(gone.TryFindNodeByAddress(IPAddress.Parse("192.0.2.2"), out _));
        Assert.False(gone.TryFindPolicy("policy/shop/orders", out _));
    }
}
