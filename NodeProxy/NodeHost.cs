using Ambient.NodeProxy.Admin;
using Ambient.NodeProxy.Discovery;
using Ambient.NodeProxy.Identity;
using Ambient.NodeProxy.Telemetry;
using Ambient.Protocol.Discovery.V1;
using Microsoft.Extensions.Logging;

namespace Ambient.NodeProxy;

/// <summary>Puts the process together: the data path first, then what feeds it, then what shows it.</summary>
internal static class NodeHost
{
    /// <summary>Runs until it is cancelled, then drains.</summary>
    /// <returns>False if it had to end because a part of it did; the log says which.</returns>
    public static async Task<bool> RunAsync(NodeOptions options, TimeProvider time, ILoggerFactory logging, CancellationToken stop)
    {
        var views = new MeshViewHolder();
        var identities = new IdentityStore();
        var reports = new ReportOutbox();
        var dataPath = new DataPathMetrics(options.Loops, time);
        var orders = new LateCarrier();
        var orderMemory = new OrderMemory(orders);
        var standing = new NodeStanding(views, identities);
        var metrics = new NodeMetrics(dataPath, standing.Gauges);
        var controlLog = logging.CreateLogger("ambient.control");

        // 1. The data path. It serves from the predecessor's state as soon as Redirector hands it over.
        StateKeeper? keeper = null;
        using var node = new NodeProcess(
            options, views, identities, reports, dataPath, Restore, metrics, time, logging.CreateLogger("ambient.node"));
        orders.Target = node.Capture;
        keeper = new StateKeeper(views, identities, orderMemory, node.Capture.KeepState, time, controlLog);
        standing.Attach(node, keeper, time);
        node.Start();

        // 2. The controller.
        var streamOptions = new ControllerStreamOptions
        {
            Node = options.Node,
            Controller = options.Controller,
            BundleFile = options.Bundle,
            TokenFile = options.TokenFile,
            BootId = () => File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim(),
            Capabilities = [Protocol.Model.NodeCapabilities.TunnelOnOriginalPort],
            Software = standing.Software,
        };
        var stream = new ControllerStream(streamOptions, views, identities, orderMemory, reports, standing, time, controlLog);
        standing.Stream = stream;
        using var background = new BackgroundWork(controlLog, stop);
        background.Begin("the stream to the controller", stream.RunAsync);
        background.Begin("the keeper of the state for a successor", keeper.RunAsync);
        background.Begin("the tidying of memory", new Tidying(time).RunAsync);

        // 3. What shows it. Without it the node serves all the same.
        await using var admin = new AdminServer(
            new AdminOptions { Address = options.Admin, SocketPath = options.AdminSocket },
            new AdminSources
            {
                Node = options.Node,
                Software = standing.Software,
                Settings = options.ForDisplay(),
                Metrics = metrics,
                Gauges = standing.Gauges,
                ControllerFailure = () => standing.Stream is { IsConnected: false } away ? away.LastFailure : "",
                Views = views,
                Identities = identities,
                Time = time,
                Readiness = standing,
                Connections = standing,
            },
            logging.CreateLogger("ambient.admin"));
        await admin.StartAsync(CancellationToken.None); // an end that is asked for meanwhile comes after

        bool isGood = await background.EndAsync();
        keeper.HandOver();

        // 4. What is carried goes on, and what changes about it is still heard of; the node's stream and port are for the successor.
        using var gone = new CancellationTokenSource();
        var leaving = new ControllerStream(
            streamOptions with { IsLeaving = true }, views, identities, new NoOrders(), new ReportOutbox(), standing, time, controlLog);
        standing.Stream = leaving;
        var listening = leaving.RunAsync(gone.Token);
        await admin.CloseTcpAsync();
        await node.DrainAsync(time);
        await gone.CancelAsync();
        await listening;
        return isGood;

        void Restore(byte[] state)
        {
            if (keeper?.Restore(state) is { } reason) NodeLog.StateUnreadable(controlLog, reason);
        }
    }

    /// <summary>Orders are the successor's business.</summary>
    private sealed class NoOrders : IOrderCarrier
    {
        public void Carry(SignedOrder order)
        {
        }
    }

    /// <summary>Breaks the circle between the orders' way and the capture that they lead to.</summary>
    private sealed class LateCarrier : IOrderCarrier
    {
        public IOrderCarrier? Target { get; set; }

        public void Carry(SignedOrder order) => Target!.Carry(order);
    }
}
