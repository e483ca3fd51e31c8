using System.Collections.Concurrent;
using System.Net;
using Ambient.NodeProxy.Discovery;
using Ambient.NodeProxy.Identity;
using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Model;
using Ambient.Protocol.Orders;
using Microsoft.Extensions.Logging.Abstractions;

namespace Ambient.Tests.Kubernetes.Replicas;

/// <summary>
/// A node with NodeProxy's own end of the stream (it reconnects, resumes and repeats its reports), and a Redirector that does at once what a
/// good order says. It notes whatever no node may ever see.
/// </summary>
internal sealed class SimulatedNode : IAsyncDisposable, IOrderCarrier, INodeStatus
{
    private readonly CancellationTokenSource _stop = new();
    private readonly OrderVerifier _verifier;
    private readonly HashSet<string> _captured = [];
    private readonly HashSet<string> _seenEnrolled = [];
    private readonly Func<string, bool> _isThere;
    private readonly Task _running;
    private ulong _orderVersion;

    /// <param name="isThere">Whether a pod is still meant to be there.</param>
    internal SimulatedNode(string name, IPEndPoint controller, string bundleFile, string tokenFile, string orderKeyPem, Func<string, bool> isThere)
    {
        Name = name;
        _verifier = OrderVerifier.FromPem(orderKeyPem);
        _isThere = isThere;
        Views.Published += Look;
        Stream = new ControllerStream(new ControllerStreamOptions
        {
            Node = name,
            Controller = new Uri($"https://{controller}"),
            BundleFile = bundleFile,
            TokenFile = tokenFile,
            BootId = () => "boot-1",
        }, Views, Identities, this, Reports, this, TimeProvider.System, NullLogger.Instance);
        _running = Task.Run(() => Stream.RunAsync(_stop.Token));
    }

    internal string Name { get; }

    internal ControllerStream Stream { get; }

    internal MeshViewHolder Views { get; } = new();

    internal IdentityStore Identities { get; } = new();

    internal ReportOutbox Reports { get; } = new();

    /// <summary>What no node may ever see.</summary>
    internal ConcurrentQueue<string> Faults { get; } = new();

    /// <summary>The epochs of the controllers that it was served by, in order.</summary>
    internal ConcurrentQueue<string> Epochs { get; } = new();

    public int CapturedPods => _captured.Count;

    public int OpenConnections => 0;

    public void Carry(SignedOrder signed)
    {
        if (!_verifier.TryOpen(signed, Name, "boot-1", _orderVersion, TimeProvider.System.GetUtcNow(), out var order, out var reason))
        {
            Faults.Enqueue($"{Name}: an order is refused: {reason}");
            return;
        }
        _orderVersion = order.Version;
        var ordered = order.Pods.Select(p => p.Uid).ToHashSet();
        foreach (var uid in ordered.Where(_captured.Add))
            Reports.Pod(new PodReport { Uid = uid, Phase = PodPhase.Captured });
        foreach (var uid in _captured.Where(u => !ordered.Contains(u)).ToList())
        {
            _captured.Remove(uid);
            Reports.Pod(new PodReport { Uid = uid, Phase = PodPhase.Released });
            if (_isThere(uid))
                Faults.Enqueue($"{Name}: {uid} is let go though nobody took it out");
        }
    }

    internal Enrolment StateOf(string uid) => Views.Current.TryFindWorkloadByUid(uid, out var pod) ? pod.Enrolment : Enrolment.None;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _stop.Dispose();
    }

    // Called on the stream's thread, with one view after another.
    private void Look(MeshView view)
    {
        if (Epochs.LastOrDefault() != view.Epoch)
            Epochs.Enqueue(view.Epoch);
        foreach (var uid in _seenEnrolled.Where(_isThere))
        {
            var state = view.TryFindWorkloadByUid(uid, out var pod) ? pod.Enrolment : Enrolment.None;
            // Asked again: it may have been taken out between the two.
            if (state != Enrolment.Enrolled && _isThere(uid))
                Faults.Enqueue($"{Name}: {uid} was enrolled and is told as {state} in view {view.Epoch}/{view.Version}");
        }
        _seenEnrolled.UnionWith(view.Workloads.Where(w => w.Enrolment == Enrolment.Enrolled && _isThere(w.Uid)).Select(w => w.Uid));
    }
}
