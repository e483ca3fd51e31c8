using Ambient.NodeProxy.Discovery;
using Ambient.NodeProxy.Identity;
using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Identity;
using Ambient.Protocol.State.V1;
using Ambient.Tests.Unit.Identity;
using Google.Protobuf;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using static Ambient.Tests.Unit.Discovery.MeshWorld;

namespace Ambient.Tests.Unit.Discovery;

public sealed class StateKeeperTests : IDisposable
{
    private static readonly SpiffeId Api = SpiffeId.Of("cluster.local", "shop", "api");

    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly TestAuthority _authority = new();

    public void Dispose() => _authority.Dispose();

    [Fact]
    public void A_successor_has_the_view_the_certificates_and_the_order_of_the_process_before()
    {
        Process before = WithEverything();
        byte[] left = before.Keeper.Build();

        _time.Advance(TimeSpan.FromMinutes(1));
        var after = new Process(_time);
        Assert.Null(after.Keeper.Restore(left));
        Assert.Equal(Content(before.Views.Current), Content(after.Views.Current));
        Assert.Equal((Epoch, 1UL), (after.Views.Current.Epoch, after.Views.Current.Version));
        Assert.Equal(before.Views.Current.Fingerprint, after.Views.Current.Fingerprint);
        Assert.Equal(before.Identities.Find(Api)!.PrivateKeyPkcs8, after.Identities.Find(Api)!.PrivateKeyPkcs8);
        Assert.Equal(before.Identities.Find(Api)!.TrustBundle.Single(), after.Identities.Find(Api)!.TrustBundle.Single());
        Assert.Equal("order", after.Orders.Last!.Order.ToStringUtf8());
        Assert.Empty(after.Carried);   // Redirector has it already
        Assert.Equal(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero), after.Keeper.ViewReceived);

        Assert.Equal(left.Length, after.Keeper.Build().Length);   // and leaves the same to its own successor
    }

    [Fact]
    public void A_successor_that_knows_other_fields_serves_by_the_view_and_claims_it_to_no_controller()
    {
        Process before = WithEverything();
        NodeState left = NodeState.Parser.ParseFrom(before.Keeper.Build());
        left.Known = ByteString.CopyFromUtf8("another definition");

        var after = new Process(_time);
        Assert.Null(after.Keeper.Restore(left.ToByteArray()));

        Assert.Equal(Content(before.Views.Current), Content(after.Views.Current));
        Assert.NotEqual(Epoch, after.Views.Current.Epoch);
        Assert.True(after.Views.Current.Fingerprint.IsEmpty);
    }

    [Fact]
    public void A_certificate_that_has_ended_meanwhile_is_left_out()
    {
        byte[] left = WithEverything().Keeper.Build();
        _time.Advance(TimeSpan.FromHours(49));
        var after = new Process(_time);
        Assert.Null(after.Keeper.Restore(left));
        Assert.Null(after.Identities.Find(Api));
        Assert.True(after.Views.Current.IsPresent);
    }

    [Fact]
    public void What_the_controller_has_already_said_is_not_overwritten()
    {
        byte[] left = WithEverything().Keeper.Build();
        var after = new Process(_time);
        after.Views.Publish(View(Pod("9", "10.0.0.9")));
        after.Orders.Carry(new SignedOrder { Order = ByteString.CopyFromUtf8("newer") });
        Assert.Contains("newer", after.Keeper.Restore(left));
        Assert.True(after.Views.Current.TryFindWorkloadByUid("9", out _));
        Assert.Equal("newer", after.Orders.Last!.Order.ToStringUtf8());
        Assert.NotNull(after.Identities.Find(Api));
    }

    [Fact]
    public void Bytes_that_are_no_state_are_refused_with_a_reason_and_never_crash()
    {
        byte[] good = WithEverything().Keeper.Build();
        Assert.Contains("format", new Process(_time).Keeper.Restore(new NodeState { Format = 2 }.ToByteArray()));
        Assert.Contains("format", new Process(_time).Keeper.Restore([]));
        Assert.Contains("gizmo", new Process(_time).Keeper.Restore(
            new NodeState { Format = 1, Epoch = "e", Resources = { new Protocol.Mesh.V1.Resource { Key = "gizmo" } } }.ToByteArray()));
        Assert.NotNull(new Process(_time).Keeper.Restore(new NodeState { Format = 1, ViewReceivedUnixSeconds = long.MaxValue }.ToByteArray()));
        Assert.Null(new Process(_time).Keeper.Restore(new NodeState { Format = 1, Svids = { new StoredSvid { SpiffeId = Api.ToString() } } }.ToByteArray()));

        var random = new Random(20260101);
        for (int i = 0; i < 3_000; i++)
        {
            byte[] mutant = [.. good];
            for (int flips = random.Next(1, 8); flips > 0; flips--)
                mutant[random.Next(mutant.Length)] = (byte)random.Next(256);
            if (random.Next(4) == 0)
                mutant = mutant[..random.Next(mutant.Length)];
            var process = new Process(_time);
            process.Keeper.Restore(mutant);
            if (process.Identities.Find(Api) is { } svid)
                Assert.Equal(Api, svid.Id);
        }
    }

    [Fact]
    public async Task Bytes_follow_a_change_after_a_tenth_of_a_second_and_changes_in_between_share_them()
    {
        var process = new Process(_time);
        using var stop = new CancellationTokenSource();
        Task running = process.Keeper.RunAsync(stop.Token);
        process.Views.Publish(View(Pod("1", "10.0.0.1")));
        process.Views.Publish(View(Pod("1", "10.0.0.1"), Pod("2", "10.0.0.2")));
        await Task.Delay(50);   // until the keeper waits
        _time.Advance(TimeSpan.FromMilliseconds(100) - TimeSpan.FromTicks(1));
        await Task.Delay(50);
        Assert.Empty(process.Stored);
        _time.Advance(TimeSpan.FromTicks(1));
        await NodeSide.UntilAsync(() => process.Stored.Count > 0, "the bytes");
        Assert.Equal(2, NodeState.Parser.ParseFrom(Assert.Single(process.Stored)).Resources.Count(r => r.Workload is not null));

        process.Orders.Carry(new SignedOrder { Order = ByteString.CopyFromUtf8("later") });
        await NodeSide.UntilAsync(() => { _time.Advance(TimeSpan.FromMilliseconds(100)); return process.Stored.Count > 1; }, "the next bytes");
        Assert.Equal("later", NodeState.Parser.ParseFrom(process.Stored[1]).LastOrder.Order.ToStringUtf8());
        await stop.CancelAsync();
        await running.WaitAsync(TimeSpan.FromSeconds(10));
    }

    private Process WithEverything()
    {
        var process = new Process(_time);
        process.Views.Publish(View(Settings(), Pod("1", "10.0.0.1"), ServiceOf("api", "10.96.0.1"), EndpointOf("api", "10.0.0.1")));
        process.Orders.Carry(new SignedOrder { Order = ByteString.CopyFromUtf8("order"), Signature = ByteString.CopyFromUtf8("s") });
        var certificates = new CertificateKeeper(process.Identities, _time, () => 0.5);
        certificates.Want(process.Views.Current, "a");
        Assert.True(certificates.Answer(_authority.Answer(certificates.TakeDue(1).Single(), _time.GetUtcNow(), TimeSpan.FromHours(48)), out _, out string? reason), reason);
        return process;
    }

    private sealed class Process : IOrderCarrier
    {
        public Process(TimeProvider time)
        {
            Orders = new OrderMemory(this);
            Keeper = new StateKeeper(Views, Identities, Orders, bytes => Stored.Add(bytes), time, NullLogger.Instance);
        }

        public MeshViewHolder Views { get; } = new();

        public IdentityStore Identities { get; } = new();

        public OrderMemory Orders { get; }

        public StateKeeper Keeper { get; }

        public List<SignedOrder> Carried { get; } = [];

        public List<byte[]> Stored { get; } = [];

        public void Carry(SignedOrder order) => Carried.Add(order);
    }
}
