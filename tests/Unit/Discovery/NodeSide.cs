using System.Collections.Concurrent;
using Ambient.NodeProxy.Discovery;
using Ambient.NodeProxy.Identity;
using Ambient.Protocol.Discovery.V1;
using Microsoft.Extensions.Logging.Abstractions;

namespace Ambient.Tests.Unit.Discovery;

/// <summary>A node's control side, running against a controller of the test.</summary>
internal sealed class NodeSide : IOrderCarrier, INodeStatus, IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _running;

    public NodeSide(int port, string bundleFile, string tokenFile, TimeProvider time, MeshViewHolder? views = null)
    {
        Views = views ?? new MeshViewHolder();
        Stream = new ControllerStream(
            new ControllerStreamOptions
            {
                Node = "a",
                Controller = new Uri($"https://127.0.0.1:{port}"),
                BundleFile = bundleFile,
                TokenFile = tokenFile,
                BootId = () => "boot-1",
                Capabilities = ["tunnel-on-original-port"],
            },
            Views, Identities, this, Reports, this, time, NullLogger.Instance);
        _running = Stream.RunAsync(_stop.Token);
    }

    public NodeSide(ScriptedController controller, TimeProvider time, MeshViewHolder? views = null)
        : this(controller.Port, controller.BundleFile, controller.TokenFile, time, views)
    {
    }

    public ControllerStream Stream { get; }

    public MeshViewHolder Views { get; }

    public IdentityStore Identities { get; } = new();

    public ReportOutbox Reports { get; } = new();

    public ConcurrentQueue<SignedOrder> Orders { get; } = new();

    public int CapturedPods => 3;

    public int OpenConnections => 7;

    public void Carry(SignedOrder order) => Orders.Enqueue(order);

    /// <summary>Waits until something that other threads do has happened.</summary>
    public static async Task UntilAsync(Func<bool> happened, string what)
    {
        for (int i = 0; i < 2_000; i++)
        {
            if (happened())
                return;
            await Task.Delay(10);
        }
        Assert.Fail($"waited 20 s in vain: {what}");
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running.WaitAsync(TimeSpan.FromSeconds(20));   // ends without an exception
        _stop.Dispose();
    }
}
