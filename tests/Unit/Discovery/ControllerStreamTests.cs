using System.Net;
using Ambient.NodeProxy.Discovery;
using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Identity;
using Ambient.Protocol.Mesh.V1;
using Ambient.Tests.Unit.Identity;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using static Ambient.Tests.Unit.Discovery.MeshWorld;

namespace Ambient.Tests.Unit.Discovery;

public sealed class ControllerStreamTests : IDisposable
{
    private static readonly SpiffeId Api = SpiffeId.Of("cluster.local", "shop", "api");

    private readonly TestAuthority _authority = new();

    public void Dispose() => _authority.Dispose();

    [Fact]
    public async Task A_node_greets_with_its_name_boot_and_token_and_publishes_the_first_view()
    {
        await using ScriptedController controller = await ScriptedController.StartAsync(_authority);
        await using var node = new NodeSide(controller, TimeProvider.System);
        ControllerSide stream = await controller.NextStreamAsync();
        Assert.Equal("Bearer first-token", stream.Token);
        Hello hello = await stream.WelcomeAsync();
        Assert.Equal(("a", "boot-1", "", 0UL, 1U), (hello.Node, hello.BootId, hello.HeldEpoch, hello.HeldVersion, hello.ProtocolVersion));
        Assert.Equal(["tunnel-on-original-port"], hello.Capabilities);

        await stream.SendFullAsync(5, Settings(), Pod("1", "10.0.0.1", node: "b"));
        Ack ack = (await stream.ReadAsync(NodeMessage.BodyOneofCase.Ack)).Ack;
        Assert.Equal((5UL, "nonce-5"), (ack.Version, ack.Nonce.ToStringUtf8()));
        Assert.True(node.Views.Current.TryFindWorkload(IPAddress.Parse("10.0.0.1"), out _));
        Assert.True(node.Stream.IsConnected);
    }

    [Fact]
    public async Task A_view_in_parts_comes_into_force_with_its_last_part_and_is_acked_once()
    {
        await using ScriptedController controller = await ScriptedController.StartAsync(_authority);
        await using var node = new NodeSide(controller, TimeProvider.System);
        ControllerSide stream = await controller.NextStreamAsync();
        await stream.WelcomeAsync();
        await stream.SendDeltaAsync(7, full: true, more: true, [Settings(), Pod("1", "10.0.0.1", node: "b")]);
        await stream.SendAsync(new ControllerMessage { Question = new Question { Status = new StatusQuestion() } });
        Answer answer = (await stream.ReadAsync()).Answer;   // so the first part was read, and not acked
        Assert.Equal(0UL, answer.Status.ViewVersion);
        Assert.False(node.Views.Current.IsPresent);
        await stream.SendDeltaAsync(7, full: true, more: false, [Pod("2", "10.0.0.2", node: "b")]);
        Assert.Equal(7UL, (await stream.ReadAsync()).Ack.Version);
        Assert.Equal(2, node.Views.Current.WorkloadCount);
    }

    [Fact]
    public async Task A_bad_delta_is_nacked_with_the_reason_and_only_a_full_view_helps_then()
    {
        await using ScriptedController controller = await ScriptedController.StartAsync(_authority);
        await using var node = new NodeSide(controller, TimeProvider.System);
        ControllerSide stream = await controller.NextStreamAsync();
        await stream.WelcomeAsync();
        await stream.SendFullAsync(1, Pod("1", "10.0.0.1", node: "b"));
        Assert.Equal(1UL, (await stream.ReadAsync()).Ack.Version);

        await stream.SendDeltaAsync(2, new Resource { Key = "gizmo/1" });
        Nack nack = (await stream.ReadAsync()).Nack;
        Assert.Equal((2UL, "nonce-2"), (nack.Version, nack.Nonce.ToStringUtf8()));
        Assert.Contains("gizmo/1", nack.Reason);

        await stream.SendDeltaAsync(3, Pod("3", "10.0.0.3", node: "b"));   // would be a view that never was
        Assert.Contains("full view", (await stream.ReadAsync()).Nack.Reason);
        Assert.Equal(1UL, node.Views.Current.Version);

        await stream.SendFullAsync(4, Pod("4", "10.0.0.4", node: "b"));
        Assert.Equal(4UL, (await stream.ReadAsync()).Ack.Version);
        await stream.SendDeltaAsync(5, Pod("5", "10.0.0.5", node: "b"));
        Assert.Equal(5UL, (await stream.ReadAsync()).Ack.Version);
    }

    [Fact]
    public async Task A_controller_that_sends_no_full_view_after_a_refusal_is_asked_for_one_by_a_new_stream_after_thirty_seconds_once()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(55));
        await using ScriptedController controller = await ScriptedController.StartAsync(_authority);
        await using var node = new NodeSide(controller, time);
        ControllerSide stream = await controller.NextStreamAsync();
        await stream.WelcomeAsync();
        await stream.SendFullAsync(1);
        await stream.ReadAsync();
        await stream.SendDeltaAsync(2, new Resource { Key = "gizmo/1" });
        await stream.ReadAsync(NodeMessage.BodyOneofCase.Nack);

        time.Advance(TimeSpan.FromSeconds(30) - TimeSpan.FromMilliseconds(1));
        await stream.SendAsync(new ControllerMessage { Question = new Question { Status = new StatusQuestion() } });
        await stream.ReadAsync(NodeMessage.BodyOneofCase.Answer);   // still there
        await Task.Delay(50);                                       // until the node waits again
        time.Advance(TimeSpan.FromMilliseconds(1));
        await NodeSide.UntilAsync(() => Advanced(time, () => controller.HasStream), "a new stream");
        stream = await controller.NextStreamAsync();
        Hello hello = await stream.WelcomeAsync();
        Assert.Equal("", hello.HeldEpoch);   // so that a full view comes
        Assert.Equal(1UL, node.Views.Current.Version);

        await stream.SendFullAsync(2, new Resource { Key = "gizmo/1" });
        await stream.ReadAsync(NodeMessage.BodyOneofCase.Nack);
        time.Advance(TimeSpan.FromMinutes(10));   // nothing to ask for: the next version comes whole, whenever it comes
        await stream.SendFullAsync(3);
        Assert.Equal(3UL, (await stream.ReadAsync(NodeMessage.BodyOneofCase.Ack)).Ack.Version);
    }

    [Fact]
    public async Task A_full_view_that_a_change_follows_is_served_by_when_both_are_there_and_the_change_is_acked()
    {
        await using ScriptedController controller = await ScriptedController.StartAsync(_authority);
        await using var node = new NodeSide(controller, TimeProvider.System);
        ControllerSide stream = await controller.NextStreamAsync();
        await stream.WelcomeAsync();
        await stream.SendDeltaAsync(4, full: true, more: true, [Settings(), Pod("1", "10.0.0.1", node: "b"), Pod("2", "10.0.0.2", node: "b")]);
        await stream.SendAsync(new ControllerMessage { Question = new Question { Status = new StatusQuestion() } });
        Assert.Equal(0UL, (await stream.ReadAsync(NodeMessage.BodyOneofCase.Answer)).Answer.Status.ViewVersion);

        var change = new Delta { Version = 6, Nonce = ByteString.CopyFromUtf8("nonce-6"), Removals = { "workload/1" } };
        change.Upserts.Add(Pod("3", "10.0.0.1", node: "b"));   // who was removed has left its address to another
        await stream.SendAsync(new ControllerMessage { Delta = change });
        Ack ack = (await stream.ReadAsync(NodeMessage.BodyOneofCase.Ack)).Ack;
        Assert.Equal(("nonce-6", 6UL), (ack.Nonce.ToStringUtf8(), ack.Version));
        Assert.Equal(6UL, node.Views.Current.Version);
        Assert.Equal(["2", "3"], node.Views.Current.Workloads.Select(pod => pod.Uid).Order());
    }

    [Fact]
    public async Task Certificates_of_local_identities_are_asked_for_checked_and_stored()
    {
        await using ScriptedController controller = await ScriptedController.StartAsync(_authority);
        await using var node = new NodeSide(controller, TimeProvider.System);
        ControllerSide stream = await controller.NextStreamAsync();
        await stream.WelcomeAsync(roots: _authority.Root.RawData);
        await stream.SendFullAsync(1, Settings(), Pod("1", "10.0.0.1"), Pod("2", "10.0.0.2", node: "b", serviceAccount: "web"));
        await stream.ReadAsync(NodeMessage.BodyOneofCase.Ack);
        CertificateRequest asked = (await stream.ReadAsync(NodeMessage.BodyOneofCase.CertificateRequest)).CertificateRequest;
        Assert.Equal(Api.ToString(), asked.SpiffeId);

        await stream.SendAsync(new ControllerMessage { Certificate = new CertificateAnswer { SpiffeId = asked.SpiffeId, Refusal = "not yet" } });
        CertificateProblem problem = (await stream.ReadAsync(NodeMessage.BodyOneofCase.Report)).Report.Certificate;
        Assert.Contains("not yet", problem.Reason);
        asked = (await stream.ReadAsync(NodeMessage.BodyOneofCase.CertificateRequest)).CertificateRequest;   // half a second to one later
        await stream.SendAsync(new ControllerMessage { Certificate = _authority.Answer(asked, TimeProvider.System.GetUtcNow().AddMinutes(-1), TimeSpan.FromHours(48)) });
        await NodeSide.UntilAsync(() => node.Identities.Find(Api) is not null, "the certificate");

        await stream.SendDeltaAsync(2, Pod("1", "10.0.0.1", enrolment: Protocol.Model.Enrolment.None));
        await stream.ReadAsync(NodeMessage.BodyOneofCase.Ack);
        await NodeSide.UntilAsync(() => node.Identities.Find(Api) is null, "the certificate's end");
    }

    [Fact]
    public async Task A_lost_controller_changes_nothing_and_the_next_stream_goes_on_from_the_version_held()
    {
        await using ScriptedController controller = await ScriptedController.StartAsync(_authority);
        await using var node = new NodeSide(controller, TimeProvider.System);
        ControllerSide stream = await controller.NextStreamAsync();
        await stream.WelcomeAsync();
        await stream.SendFullAsync(9, Pod("1", "10.0.0.1", node: "b"));
        await stream.ReadAsync();
        await File.WriteAllTextAsync(controller.TokenFile, "second-token");
        stream.End(new Status(StatusCode.Unavailable, "going away"));

        stream = await controller.NextStreamAsync();
        Assert.Equal("Bearer second-token", stream.Token);
        Hello hello = await stream.WelcomeAsync();
        Assert.Equal((Epoch, 9UL), (hello.HeldEpoch, hello.HeldVersion));
        Assert.Equal(1, node.Views.Current.WorkloadCount);
        await stream.SendDeltaAsync(10, Pod("2", "10.0.0.2", node: "b"));
        Assert.Equal(10UL, (await stream.ReadAsync(NodeMessage.BodyOneofCase.Ack)).Ack.Version);
        Assert.Equal(2, node.Views.Current.WorkloadCount);
        Assert.Contains("going away", node.Stream.LastFailure);
    }

    [Fact]
    public async Task Orders_are_handed_on_and_questions_answered_or_called_unsupported()
    {
        await using ScriptedController controller = await ScriptedController.StartAsync(_authority);
        await using var node = new NodeSide(controller, TimeProvider.System);
        ControllerSide stream = await controller.NextStreamAsync();
        await stream.WelcomeAsync();
        var order = new SignedOrder { Order = ByteString.CopyFromUtf8("order"), Signature = ByteString.CopyFromUtf8("signature") };
        await stream.SendAsync(new ControllerMessage { Order = order });
        await stream.SendAsync(new ControllerMessage());   // a body from the future
        await stream.SendAsync(new ControllerMessage { Question = new Question { Status = new StatusQuestion() } });
        Answer answer = (await stream.ReadAsync()).Answer;
        Assert.Equal((3U, 7U, 4UL), (answer.Status.CapturedPods, answer.Status.OpenConnections, answer.QuestionId));
        Assert.Equal([order], node.Orders);
        await stream.SendAsync(new ControllerMessage { Question = new Question { Tap = new TapQuestion() } });
        Assert.Equal(Answer.BodyOneofCase.Unsupported, (await stream.ReadAsync()).Answer.BodyCase);
    }

    [Fact]
    public async Task The_newest_report_of_each_pod_is_told_to_every_new_stream()
    {
        await using ScriptedController controller = await ScriptedController.StartAsync(_authority);
        await using var node = new NodeSide(controller, TimeProvider.System);
        node.Reports.Pod(new PodReport { Uid = "1", Phase = PodPhase.Preparing });
        node.Reports.Pod(new PodReport { Uid = "2", Phase = PodPhase.Preparing });
        node.Reports.Pod(new PodReport { Uid = "1", Phase = PodPhase.Captured });
        ControllerSide stream = await controller.NextStreamAsync();
        await stream.WelcomeAsync();
        Assert.Equal(["1 Captured", "2 Preparing"], await ReportsAsync(stream, 2));
        node.Reports.Pod(new PodReport { Uid = "2", Phase = PodPhase.Captured });
        Assert.Equal(["2 Captured"], await ReportsAsync(stream, 1));

        stream.End(Status.DefaultSuccess);
        stream = await controller.NextStreamAsync();
        await stream.WelcomeAsync();
        Assert.Equal(["1 Captured", "2 Captured"], await ReportsAsync(stream, 2));
    }

    [Fact]
    public async Task A_controller_whose_certificate_leads_to_another_root_or_bears_another_name_gets_no_token()
    {
        using var stranger = new TestAuthority();
        await using ScriptedController trusted = await ScriptedController.StartAsync(_authority);
        await using ScriptedController foreign = await ScriptedController.StartAsync(stranger);
        await using ScriptedController misnamed = await ScriptedController.StartAsync(_authority, "somebody-else");
        await using var first = new NodeSide(foreign.Port, trusted.BundleFile, trusted.TokenFile, TimeProvider.System);
        await using var second = new NodeSide(misnamed.Port, trusted.BundleFile, trusted.TokenFile, TimeProvider.System);
        await NodeSide.UntilAsync(() => first.Stream.LastFailure.Length > 0 && second.Stream.LastFailure.Length > 0, "two refusals");
        Assert.Contains("certificate", first.Stream.LastFailure);
        Assert.Contains("RemoteCertificateNameMismatch", second.Stream.LastFailure);
        Assert.False(foreign.HasStream || misnamed.HasStream);
    }

    [Fact]
    public async Task A_refusal_of_the_token_says_where_to_look()
    {
        await using ScriptedController controller = await ScriptedController.StartAsync(_authority);
        await using var node = new NodeSide(controller, TimeProvider.System);
        (await controller.NextStreamAsync()).End(new Status(StatusCode.PermissionDenied, "the token names b"));
        await NodeSide.UntilAsync(() => node.Stream.LastFailure.Length > 0, "the refusal");
        Assert.Contains("the token names b", node.Stream.LastFailure);
        Assert.Contains(controller.TokenFile, node.Stream.LastFailure);
        Assert.DoesNotContain("first-token", node.Stream.LastFailure);
    }

    [Fact]
    public async Task After_an_hour_without_a_controller_all_is_as_it_was_and_only_what_is_due_is_asked_for()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(55));
        ScriptedController first = await ScriptedController.StartAsync(_authority);
        await using var node = new NodeSide(first, time);
        ControllerSide stream = await first.NextStreamAsync();
        await stream.WelcomeAsync(roots: _authority.Root.RawData);
        await stream.SendFullAsync(1, Settings(), Pod("1", "10.0.0.1"));
        CertificateRequest asked = (await stream.ReadAsync(NodeMessage.BodyOneofCase.CertificateRequest)).CertificateRequest;
        await stream.SendAsync(new ControllerMessage { Certificate = _authority.Answer(asked, time.GetUtcNow(), TimeSpan.FromHours(48)) });
        await NodeSide.UntilAsync(() => node.Identities.Find(Api) is not null, "the certificate");
        int port = first.Port;
        string bundle = await File.ReadAllTextAsync(first.BundleFile), token = await File.ReadAllTextAsync(first.TokenFile);
        await first.DisposeAsync();
        await NodeSide.UntilAsync(() => !node.Stream.IsConnected, "the loss");
        Directory.CreateDirectory(Path.GetDirectoryName(first.BundleFile)!);   // what the machine's owner gave stays where it is
        await File.WriteAllTextAsync(first.BundleFile, bundle);
        await File.WriteAllTextAsync(first.TokenFile, token);

        for (int minute = 0; minute < 60; minute++)
        {
            time.Advance(TimeSpan.FromMinutes(1));
            await Task.Delay(5);   // for an attempt to fail
        }
        Assert.Equal(1UL, node.Views.Current.Version);
        Assert.NotNull(node.Identities.Find(Api));

        await using ScriptedController second = await ScriptedController.StartAsync(_authority, port: port);
        await NodeSide.UntilAsync(() => Advanced(time, () => second.HasStream), "the next stream");
        stream = await second.NextStreamAsync();
        Assert.Equal(1UL, (await stream.WelcomeAsync(roots: _authority.Root.RawData)).HeldVersion);
        node.Reports.Pod(new PodReport { Uid = "1", Phase = PodPhase.Captured });
        Assert.Equal(NodeMessage.BodyOneofCase.Report, (await stream.ReadAsync()).BodyCase);   // and no request: half of 48 h is not over
        await NodeSide.UntilAsync(() => Advanced(time, () => true), "a moment");
        for (int hour = 0; hour < 26; hour++)
        {
            time.Advance(TimeSpan.FromHours(1));
            await Task.Delay(5);
        }
        Assert.Equal(Api.ToString(), (await stream.ReadAsync(NodeMessage.BodyOneofCase.CertificateRequest)).CertificateRequest.SpiffeId);
        Directory.Delete(Path.GetDirectoryName(first.BundleFile)!, recursive: true);
    }

    [Fact]
    public async Task Roots_that_change_on_the_stream_reach_the_certificates_and_what_they_do_not_sign_is_renewed_at_once()
    {
        await using ScriptedController controller = await ScriptedController.StartAsync(_authority);
        await using var node = new NodeSide(controller, TimeProvider.System);
        ControllerSide stream = await controller.NextStreamAsync();
        await stream.WelcomeAsync(roots: _authority.Root.RawData);
        await stream.SendFullAsync(1, Settings(), Pod("1", "10.0.0.1"));
        CertificateRequest asked = (await stream.ReadAsync(NodeMessage.BodyOneofCase.CertificateRequest)).CertificateRequest;
        await stream.SendAsync(new ControllerMessage { Certificate = _authority.Answer(asked, TimeProvider.System.GetUtcNow().AddMinutes(-1), TimeSpan.FromHours(48)) });
        await NodeSide.UntilAsync(() => node.Identities.Find(Api) is not null, "the certificate");
        using var next = new TestAuthority();

        await stream.SendAsync(new ControllerMessage { TrustBundle = Bundle(_authority, next) });
        await NodeSide.UntilAsync(() => node.Identities.Find(Api)!.TrustBundle.Length == 2, "both roots");
        await stream.SendAsync(new ControllerMessage { TrustBundle = Bundle(next) });
        Assert.Equal(Api.ToString(), (await stream.ReadAsync(NodeMessage.BodyOneofCase.CertificateRequest)).CertificateRequest.SpiffeId);
        Assert.Equal(next.Root.RawData, Assert.Single(node.Identities.Find(Api)!.TrustBundle));

        static TrustBundle Bundle(params TestAuthority[] authorities) =>
            new() { Roots = { authorities.Select(authority => Google.Protobuf.ByteString.CopyFrom(authority.Root.RawData)) } };
    }

    [Fact]
    public async Task A_node_whose_stream_another_process_took_over_leaves_it_alone_for_thirty_seconds()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(55));
        await using ScriptedController controller = await ScriptedController.StartAsync(_authority);
        await using var node = new NodeSide(controller, time);
        ControllerSide stream = await controller.NextStreamAsync();
        await stream.WelcomeAsync(roots: _authority.Root.RawData);
        await NodeSide.UntilAsync(() => node.Stream.IsConnected, "the welcome");
        stream.End(new Status(StatusCode.Aborted, "a newer stream of node a took over"));
        await NodeSide.UntilAsync(() => node.Stream.LastFailure.Contains("took over"), "the end");
        await Task.Delay(50);   // until it waits

        time.Advance(TimeSpan.FromSeconds(30) - TimeSpan.FromTicks(1));
        await Task.Delay(100);
        Assert.False(controller.HasStream);
        time.Advance(TimeSpan.FromTicks(1));
        await NodeSide.UntilAsync(() => controller.HasStream, "the next stream");
    }

    [Fact]
    public async Task A_controller_that_does_not_welcome_within_ten_seconds_is_given_up()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(55));
        await using ScriptedController controller = await ScriptedController.StartAsync(_authority);
        await using var node = new NodeSide(controller, time);
        ControllerSide silent = await controller.NextStreamAsync();
        await silent.ReadAsync();
        await Task.Delay(50);   // until the node waits
        time.Advance(TimeSpan.FromSeconds(10) - TimeSpan.FromTicks(1));
        await Task.Delay(50);
        Assert.False(silent.IsCancelled);
        time.Advance(TimeSpan.FromTicks(1));
        await NodeSide.UntilAsync(() => silent.IsCancelled, "the end of the silent stream");
    }

    private static bool Advanced(FakeTimeProvider time, Func<bool> happened)
    {
        time.Advance(TimeSpan.FromMilliseconds(100));
        return happened();
    }

    private static async Task<string[]> ReportsAsync(ControllerSide stream, int count)
    {
        var reports = new List<string>();
        while (reports.Count < count)
        {
            PodReport report = (await stream.ReadAsync(NodeMessage.BodyOneofCase.Report)).Report.Pod;
            reports.Add($"{report.Uid} {report.Phase}");
        }
        return [.. reports.Order(StringComparer.Ordinal)];
    }
}
