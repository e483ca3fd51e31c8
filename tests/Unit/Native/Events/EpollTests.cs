using System.Diagnostics;
using System.Runtime.InteropServices;
using Ambient.Native.Descriptors;
using Ambient.Native.Events;
using Ambient.Native.Processes;
using Ambient.Native.Sockets;
using Ambient.Tests.Unit.Native.Sockets;
using Xunit;

namespace Ambient.Tests.Unit.Native.Events;

public sealed class EpollTests
{
    [Theory]
    [InlineData(Architecture.X64, 12, 4)]
    [InlineData(Architecture.Arm64, 16, 8)]
    public void Events_have_the_layout_of_the_architecture(Architecture architecture, int stride, int dataOffset)
    {
        var layout = EpollLayout.For(architecture);
        byte[] bytes = [.. Enumerable.Repeat((byte)0xcc, EpollLayout.MaxStride)];

        layout.Write(bytes, EpollEvents.In | EpollEvents.EdgeTriggered, 0x1122334455667788);

        Assert.Equal((stride, dataOffset), (layout.Stride, layout.DataOffset));
        Assert.Equal(0x80000001u, BitConverter.ToUInt32(bytes));
        Assert.Equal(0x1122334455667788ul, BitConverter.ToUInt64(bytes, dataOffset));
    }

    [Fact]
    public void The_layout_of_this_machine_is_what_the_C_compiler_prints() =>
        Assert.Equal(
            CompiledLayout.Evaluate("sys/epoll.h", "sizeof(struct epoll_event)", "offsetof(struct epoll_event, data)",
                "EPOLLIN", "EPOLLOUT", "EPOLLERR", "EPOLLHUP", "EPOLLRDHUP", "(unsigned)EPOLLET"),
            [
                EpollLayout.Current.Stride, EpollLayout.Current.DataOffset,
                (long)EpollEvents.In, (long)EpollEvents.Out, (long)EpollEvents.Error, (long)EpollEvents.HangUp,
                (long)EpollEvents.PeerClosed, (long)EpollEvents.EdgeTriggered,
            ]);

    [Fact]
    public void A_precise_wait_ends_when_its_time_is_over_and_not_before()
    {
        TimerSlack.RemoveForThisThread();
        using var epoll = new Epoll();
        var wait = TimeSpan.FromMicroseconds(300);
        long began = Stopwatch.GetTimestamp();

        epoll.WaitPrecisely(wait);

        Assert.True(Stopwatch.GetElapsedTime(began) >= wait);
    }

    [Fact]
    public void A_precise_wait_ends_with_an_event_which_is_still_there()
    {
        using var epoll = new Epoll();
        using var ready = new ReadyEvents(1);
        using var waiting = new WakeUp();
        epoll.Add(waiting.Number, EpollEvents.In, 7);
        waiting.Signal();

        epoll.WaitPrecisely(TimeSpan.FromDays(1)); // it would be a day

        Assert.Equal(1, epoll.Wait(ready, 0));
        Assert.Equal(7ul, ready.TokenAt(0));
    }

    [Fact]
    public void Several_events_come_back_each_with_its_token()
    {
        using var epoll = new Epoll();
        using var ready = new ReadyEvents(8);
        using var first = new WakeUp();
        using var second = new WakeUp();
        using var silent = new WakeUp();
        epoll.Add(first.Number, EpollEvents.In, 0xfedcba9876543210);
        epoll.Add(second.Number, EpollEvents.In, 2);
        epoll.Add(silent.Number, EpollEvents.In, 3);
        first.Signal();
        second.Signal();

        int count = epoll.Wait(ready, 0);

        Assert.Equal(2, count);
        Assert.Equal([2ul, 0xfedcba9876543210ul], Enumerable.Range(0, count).Select(ready.TokenAt).Order());
        Assert.All(Enumerable.Range(0, count), i => Assert.Equal(EpollEvents.In, ready.EventsAt(i)));
    }

    [Fact]
    public void The_capacity_bounds_one_wait_and_the_rest_come_with_the_next()
    {
        using var epoll = new Epoll();
        using var ready = new ReadyEvents(1);
        using var first = new WakeUp();
        using var second = new WakeUp();
        epoll.Add(first.Number, EpollEvents.In | EpollEvents.EdgeTriggered, 1);
        epoll.Add(second.Number, EpollEvents.In | EpollEvents.EdgeTriggered, 2);
        first.Signal();
        second.Signal();

        Assert.Equal(1, epoll.Wait(ready, 0));
        ulong token = ready.TokenAt(0);
        Assert.Equal(1, epoll.Wait(ready, 0));
        Assert.Equal(3ul, token + ready.TokenAt(0));
        Assert.Equal(0, epoll.Wait(ready, 0));
    }

    [Fact]
    public void A_peers_half_close_and_close_are_told_apart()
    {
        using var pair = new TcpPair();
        using var epoll = new Epoll();
        using var ready = new ReadyEvents(4);
        epoll.Add(pair.Left, EpollEvents.In | EpollEvents.Out | EpollEvents.PeerClosed | EpollEvents.EdgeTriggered, 7);
        Assert.Equal(1, epoll.Wait(ready, 1_000));
        Assert.Equal(EpollEvents.Out, ready.EventsAt(0));

        SocketCalls.ShutdownWrite(pair.Right);
        Assert.Equal(1, epoll.Wait(ready, 1_000));
        Assert.Equal(EpollEvents.In | EpollEvents.Out | EpollEvents.PeerClosed, ready.EventsAt(0));

        pair.ForgetRight();
        SocketCalls.CloseWithReset(pair.Right);
        Assert.Equal(1, epoll.Wait(ready, 1_000));
        Assert.True(ready.EventsAt(0).HasFlag(EpollEvents.Error | EpollEvents.HangUp));
        Assert.Equal(Errno.BrokenPipe, SocketCalls.TakeError(pair.Left));
    }

    [Fact]
    public void A_change_of_the_watch_changes_events_and_token()
    {
        using var pair = new TcpPair();
        using var epoll = new Epoll();
        using var ready = new ReadyEvents(4);
        epoll.Add(pair.Left, EpollEvents.In, 1);
        Assert.Equal(0, epoll.Wait(ready, 0));

        epoll.Modify(pair.Left, EpollEvents.Out, 2);

        Assert.Equal(1, epoll.Wait(ready, 0));
        Assert.Equal((EpollEvents.Out, 2ul), (ready.EventsAt(0), ready.TokenAt(0)));
    }

    [Fact]
    public void Removing_is_fine_twice_and_after_a_close_but_adding_twice_is_a_bug()
    {
        using var epoll = new Epoll();
        using var wakeUp = new WakeUp();
        epoll.Add(wakeUp.Number, EpollEvents.In, 1);
        Assert.Equal(Errno.Exists, Assert.Throws<SystemCallException>(() => epoll.Add(wakeUp.Number, EpollEvents.In, 1)).Error);

        epoll.Remove(wakeUp.Number);
        epoll.Remove(wakeUp.Number);
        epoll.Remove(1_000_000);

        Assert.Equal(Errno.NoEntry, Assert.Throws<SystemCallException>(() => epoll.Modify(wakeUp.Number, EpollEvents.In, 1)).Error);
    }

    [Fact]
    public void A_signal_of_another_thread_ends_an_endless_wait()
    {
        using var epoll = new Epoll();
        using var ready = new ReadyEvents(4);
        using var wakeUp = new WakeUp();
        epoll.Add(wakeUp.Number, EpollEvents.In, 9);
        var thread = new Thread(wakeUp.Signal);
        thread.Start();

        int count;
        while ((count = epoll.Wait(ready, -1)) == 0) { }
        thread.Join();

        Assert.Equal((1, 9ul), (count, ready.TokenAt(0)));
    }

    [Fact]
    public void Many_signals_are_one_wake_up_and_a_drain_takes_them_all()
    {
        using var epoll = new Epoll();
        using var ready = new ReadyEvents(4);
        using var wakeUp = new WakeUp();
        epoll.Add(wakeUp.Number, EpollEvents.In, 1);
        wakeUp.Drain();
        for (int i = 0; i < 100; i++)
            wakeUp.Signal();
        Assert.Equal(1, epoll.Wait(ready, 0));

        wakeUp.Drain();

        Assert.Equal(0, epoll.Wait(ready, 0));
    }

    [Fact]
    public void A_signal_after_the_end_is_ignored()
    {
        var wakeUp = new WakeUp();
        wakeUp.Dispose();
        wakeUp.Signal();
        Assert.Throws<ObjectDisposedException>(() => wakeUp.Number);
    }

    [Fact]
    public void Room_for_events_refuses_what_is_outside_of_it()
    {
        using var epoll = new Epoll();
        var ready = new ReadyEvents(2);
        Assert.Equal(EpollEvents.None, ready.EventsAt(1));
        Assert.Throws<ArgumentOutOfRangeException>(() => ready.EventsAt(2));
        Assert.Throws<ArgumentOutOfRangeException>(() => ready.TokenAt(-1));

        ready.Dispose();
        ready.Dispose();

        Assert.Throws<ArgumentOutOfRangeException>(() => ready.TokenAt(0));
        Assert.Throws<ObjectDisposedException>(() => epoll.Wait(ready, 0));
    }

    [Fact]
    public void Waiting_signalling_and_draining_allocate_nothing()
    {
        using var epoll = new Epoll();
        using var ready = new ReadyEvents(4);
        using var wakeUp = new WakeUp();
        epoll.Add(wakeUp.Number, EpollEvents.In, 1);
        Turn(2_000);

        long before = GC.GetAllocatedBytesForCurrentThread();
        Turn(2_000);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());

        void Turn(int rounds)
        {
            for (int i = 0; i < rounds; i++)
            {
                wakeUp.Signal();
                for (int n = epoll.Wait(ready, 0); n > 0; n--)
                    _ = ready.EventsAt(n - 1) == EpollEvents.In && ready.TokenAt(n - 1) == 1;
                wakeUp.Drain();
                epoll.Modify(wakeUp.Number, EpollEvents.In, 1);
            }
        }
    }
}
