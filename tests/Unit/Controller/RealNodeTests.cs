using System.Collections.Concurrent;
using System.Net;
using Ambient.NodeProxy.Discovery;
using Ambient.NodeProxy.Identity;
using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Identity;
using Ambient.Protocol.Model;
using Ambient.Protocol.Orders;
using Microsoft.Extensions.Logging.Abstractions;

namespace Ambient.Tests.Unit.Controller;

/// <summary>NodeProxy's own end of the stream against the real controller: the two sides of the contract in one room.</summary>
public sealed class RealNodeTests
{
    [Fact]
    public async Task A_node_is_given_view_certificate_and_order_and_its_report_enrols_the_pod()
    {
        await using var rig = await ControllerRig.StartAsync();
        await using var node = new RealNode(rig, "a");

        await Eventually.Async(() => node.Orders.Any() && node.Identities.Find(SpiffeId.Of("cluster.local", "shop", "web")) is not null, () => node.Stream.LastFailure);
        Assert.True(node.Views.Current.TryFindWorkload(IPAddress.Parse("10.1.1.1"), out var api));
        Assert.Equal("api", api.Name);
        Assert.Null(node.Identities.Find(SpiffeId.Of("cluster.local", "shop", "api")));
        var verifier = OrderVerifier.FromPem(await File.ReadAllTextAsync(Path.Combine(rig.State, "order-key.pem")));
        Assert.True(verifier.TryOpen(node.Orders.Last(), "a", "boot-1", 0, TimeProvider.System.GetUtcNow(), out var order, out var reason), reason);
        Assert.Equal("uid-web", Assert.Single(order.Pods).Uid);

        node.Reports.Pod(new PodReport { Uid = "uid-web", Phase = PodPhase.Captured });
        await Eventually.Async(() => node.StateOf("uid-web") == Enrolment.Enrolled, () => "not enrolled");
    }

    [Fact]
    public async Task A_controller_that_starts_again_is_found_again_and_the_pod_is_never_anything_but_enrolled()
    {
        await using var rig = await ControllerRig.StartAsync();
        var port = rig.Host.EndPoint.Port;
        await using var node = new RealNode(rig, "a");
        await Eventually.Async(() => node.Orders.Any(), () => node.Stream.LastFailure);
        node.Reports.Pod(new PodReport { Uid = "uid-web", Phase = PodPhase.Captured });
        await Eventually.Async(() => node.StateOf("uid-web") == Enrolment.Enrolled, () => "not enrolled");

        var seen = new ConcurrentQueue<(string Epoch, Enrolment State)>();
        node.Views.Published += view => seen.Enqueue((view.Epoch, view.TryFindWorkloadByUid("uid-web", out var pod) ? pod.Enrolment : Enrolment.None));
        var epoch = node.Views.Current.Epoch;
        await rig.RestartAsync(o => o with { Listen = new IPEndPoint(IPAddress.Loopback, port) });
        rig.Write("more.yaml", "{kind: Service, apiVersion: v1, metadata: {name: cache, namespace: shop}, spec: {clusterIP: 10.2.0.9, ports: [{port: 6379}]}}");
        await Eventually.Async(() => node.Views.Current.TryFindService(IPAddress.Parse("10.2.0.9"), out _), () => "the new controller's changes do not arrive");
        // What it held was known to the new controller by its fingerprint, and not sent again.
        Assert.NotEqual(epoch, Assert.Single(seen).Epoch);
        Assert.All(seen, s => Assert.Equal(Enrolment.Enrolled, s.State));
    }

    [Fact]
    public async Task Certificates_that_live_for_seconds_are_renewed_again_and_again()
    {
        await using var rig = await ControllerRig.StartAsync(with: o => o with { LeafLifetime = TimeSpan.FromSeconds(2) });
        await using var node = new RealNode(rig, "a");
        var id = SpiffeId.Of("cluster.local", "shop", "web");
        await Eventually.Async(() => node.Identities.Find(id) is { Generation: >= 3 } svid && svid.NotAfter > TimeProvider.System.GetUtcNow(),
            () => $"generation {node.Identities.Find(id)?.Generation} {node.Stream.LastFailure}");
    }

    private sealed class RealNode : IAsyncDisposable, IOrderCarrier, INodeStatus
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly Task _running;
        private readonly string _tokenFile;

        internal RealNode(ControllerRig rig, string name)
        {
            _tokenFile = Path.Combine(rig.State, $"{name}.token");
            File.WriteAllText(_tokenFile, rig.TokenOf(name) + "\n");
            Stream = new ControllerStream(new ControllerStreamOptions
            {
                Node = name,
                Controller = new Uri($"https://{rig.Host.EndPoint}"),
                BundleFile = Path.Combine(rig.State, "bundle.pem"),
                TokenFile = _tokenFile,
                BootId = () => "boot-1",
            }, Views, Identities, this, Reports, this, TimeProvider.System, NullLogger.Instance);
            _running = Task.Run(() => Stream.RunAsync(_stop.Token));
        }

        internal ControllerStream Stream { get; }

        internal MeshViewHolder Views { get; } = new();

        internal IdentityStore Identities { get; } = new();

        internal ReportOutbox Reports { get; } = new();

        internal ConcurrentQueue<SignedOrder> Orders { get; } = new();

        public int CapturedPods => 1;

        public int OpenConnections => 0;

        public void Carry(SignedOrder order) => Orders.Enqueue(order);

        internal Enrolment StateOf(string uid) => Views.Current.TryFindWorkloadByUid(uid, out var pod) ? pod.Enrolment : Enrolment.None;

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await _running;
            _stop.Dispose();
        }
    }
}
