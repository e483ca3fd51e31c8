using System.Collections.Concurrent;
using Ambient.Native.Sockets;
using Ambient.Native.Unix;
using Ambient.NodeProxy.Capture;
using Ambient.NodeProxy.Discovery;
using Ambient.NodeProxy.Engine;
using Microsoft.Extensions.Logging.Abstractions;

namespace Ambient.Tests.Unit.Capture;

/// <summary>A node's capture with real loops, whose Redirector is a test.</summary>
internal sealed class CaptureWorld : IAsyncDisposable, ICaptureHandler
{
    private readonly LoopGroup _loops = new(2, TimeProvider.System, NullLogger.Instance);
    private readonly ConcurrentQueue<SeqPacketSocket> _toConnect = new();

    public CaptureWorld()
    {
        Control = new EventLoop(2, TimeProvider.System, NullLogger.Instance);
        Pods = [new LoopPods(), new LoopPods()];
        Coordinator = new CaptureCoordinator(
            new CaptureSettings
            {
                Control = Control,
                Connect = () => _toConnect.TryDequeue(out var socket) ? socket : null,
                MissingFor = uid => Missing.GetValueOrDefault(uid),
                Drain = () => TimeSpan.FromSeconds(2),
                Reports = Reports,
                NonTcp = _ => { },
                Machine = _ => { },
                Counters = _ => { },
                Restore = bytes => Restored = bytes,
                Capacity = Capacity,
            },
            new CaptureTargets(_loops, Pods, [this, this]), NullLogger.Instance);
        _loops.Start();
        Control.Start();
        Coordinator.Start();
    }

    public EventLoop Control { get; }

    public NodeCapacity Capacity { get; } = new(2);

    public LoopPods[] Pods { get; }

    public CaptureCoordinator Coordinator { get; }

    public ReportOutbox Reports { get; } = new();

    public ConcurrentDictionary<string, string> Missing { get; } = new();

    public ConcurrentQueue<(string Kind, string Uid)> Events { get; } = new();

    public byte[]? Restored { get; private set; }

    public EventLoop Loop(int index) => _loops[index];

    /// <summary>A new Redirector appears.</summary>
    public ScriptedRedirector NewRedirector()
    {
        var (mine, theirs) = SeqPacketSocket.Pair();
        _toConnect.Enqueue(theirs);
        return new ScriptedRedirector(mine);
    }

    public async Task Until(Func<bool> condition, string what)
    {
        long deadline = Environment.TickCount64 + 10_000;
        while (!condition())
        {
            if (Environment.TickCount64 > deadline) throw new TimeoutException($"never happened: {what}");
            await Task.Delay(5);
        }
    }

    public Task<T> OnLoop<T>(int index, Func<T> work)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        _loops[index].Post(() => done.SetResult(work()));
        return done.Task.WaitAsync(TimeSpan.FromSeconds(10));
    }

    void ICaptureHandler.OnOutbound(PodOnLoop pod, int fd) => Accepted("outbound", pod, fd);

    void ICaptureHandler.OnInbound(PodOnLoop pod, int fd) => Accepted("inbound", pod, fd);

    void ICaptureHandler.OnTunnel(PodOnLoop pod, int fd) => Accepted("tunnel", pod, fd);

    void ICaptureHandler.OnPodDraining(PodOnLoop pod) => Events.Enqueue(("draining", pod.Uid));

    void ICaptureHandler.OnPodEnded(PodOnLoop pod, string reason) => Events.Enqueue(("ended", pod.Uid));

    public async ValueTask DisposeAsync()
    {
        await Control.StopAsync();
        await _loops.StopAsync();
        Assert.Equal(0, Control.Bugs + _loops[0].Bugs + _loops[1].Bugs);
        _loops.Dispose();
        Control.Dispose();
    }

    private void Accepted(string kind, PodOnLoop pod, int fd)
    {
        Events.Enqueue((kind, pod.Uid));
        SocketCalls.Close(fd);
    }
}
