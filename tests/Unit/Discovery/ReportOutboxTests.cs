using Ambient.NodeProxy.Discovery;
using Ambient.Protocol.Discovery.V1;

namespace Ambient.Tests.Unit.Discovery;

public sealed class ReportOutboxTests
{
    private readonly ReportOutbox _outbox = new();

    [Fact]
    public void Only_the_newest_report_of_each_pod_waits_and_pods_come_in_the_order_of_their_first()
    {
        Post("1", PodPhase.Preparing);
        Post("2", PodPhase.Preparing);
        Post("1", PodPhase.Captured);
        _outbox.Counters(new NodeCounters());
        Assert.Equal(["1 Captured", "2 Preparing", "counters"], Taken());
        Assert.Empty(Taken());
    }

    [Fact]
    public void A_new_stream_is_told_every_pod_again_but_no_counters()
    {
        Post("1", PodPhase.Captured);
        _outbox.Counters(new NodeCounters());
        Taken();
        _outbox.RepeatStates();
        _outbox.RepeatStates();
        Assert.Equal(["1 Captured"], Taken());
    }

    [Fact]
    public void A_new_stream_is_told_the_nodes_health_again_and_only_the_newest()
    {
        _outbox.Health(new NodeHealth { Reason = "RedirectorAway" });
        _outbox.Health(new NodeHealth { Ok = true });
        Assert.True(_outbox.TryTake(out var told) && told.Health.Ok);
        Assert.False(_outbox.TryTake(out _));
        _outbox.RepeatStates();
        Assert.True(_outbox.TryTake(out told) && told.Health.Ok);
    }

    [Fact]
    public void A_pod_that_has_ended_is_kept_until_the_view_has_let_go_of_it_too()
    {
        Post("1", PodPhase.Gone);
        Post("2", PodPhase.Captured);
        Post("3", PodPhase.Released);
        _outbox.ForgetEnded(uid => uid == "3");
        Assert.Equal(2, _outbox.PodCount);
        _outbox.ForgetEnded(_ => false);
        Assert.Equal(1, _outbox.PodCount);
    }

    [Fact]
    public void A_wait_ends_with_the_next_report_and_at_once_if_one_is_there()
    {
        Task waiting = _outbox.WaitAsync();
        Assert.False(waiting.IsCompleted);
        Post("1", PodPhase.Captured);
        Assert.True(waiting.IsCompleted);
        Assert.True(_outbox.WaitAsync().IsCompleted);
        Taken();
        Assert.False(_outbox.WaitAsync().IsCompleted);
    }

    private void Post(string uid, PodPhase phase) => _outbox.Pod(new PodReport { Uid = uid, Phase = phase });

    private List<string> Taken()
    {
        var taken = new List<string>();
        while (_outbox.TryTake(out NodeReport? report))
            taken.Add(report.Pod is { } pod ? $"{pod.Uid} {pod.Phase}" : "counters");
        return taken;
    }
}
