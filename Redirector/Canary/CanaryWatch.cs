using System.Net;
using Ambient.Native.Namespaces;
using Ambient.Native.Unix;
using Ambient.Protocol.Redirector.V1;
using Ambient.Redirector.Capture;
using Ambient.Redirector.Loop;
using Ambient.Redirector.Namespaces;
using Ambient.Redirector.Rules;
using Google.Protobuf;

namespace Ambient.Redirector.Canary;

/// <summary>
/// Keeps proving that what a pod connects to reaches the proxy as it is: a namespace of our own is captured like a pod's, and now and then
/// a connection to a service address is opened in it, which NodeProxy answers with the destination that it sees. Owned by the loop.
/// </summary>
/// <param name="service">Null: there is none to connect to.</param>
/// <param name="onResult">Told whenever the result changes.</param>
internal sealed class CanaryWatch(CaptureTools tools, IPEndPoint? service, Action onResult) : IDisposable
{
    /// <summary>What it is called on the wire.</summary>
    public const string Uid = "ambient-canary";

    private const string Container = "canary";

    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(30), _again = TimeSpan.FromSeconds(2);

    private NetworkNamespace? _network;
    private CanaryProbe? _probe;
    private LoopTimer? _next;
    private bool _isCaptured;
    private bool _hasFailedOnce;

    /// <summary>The newest result; null before the first.</summary>
    public CanaryResult? Result { get; private set; } = service is null ? CanaryJudge.NotAsked : null;

    /// <summary>Makes the namespace and has it captured.</summary>
    /// <param name="capture">Makes its capture.</param>
    public void Start(Func<PodCapture> capture)
    {
        if (service is not null)
            Make(capture, service);
    }

    /// <summary>A NodeProxy is there that was not: what nobody answered may be answered now.</summary>
    public void OnNode()
    {
        if (_isCaptured && Result is not { Ok: true })
            Probe();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _next?.Cancel();
        _probe?.Dispose();
        _network?.Dispose();
    }

    private void Make(Func<PodCapture> capture, IPEndPoint target) => tools.Workers.Run(WorkPriority.Enrol, entry => TryMake(entry, target), made =>
    {
        if (made.Network is not { } network)
        {
            Take(CanaryJudge.NotCaptured(made.Reason));
            _next = tools.Loop.After(_interval, () => Make(capture, target));
            return;
        }
        _network = network.Kept;
        var pod = new CapturedPod
        {
            Uid = Uid, Namespace = "ambient-system", Name = "canary", Addresses = { ByteString.CopyFrom(CanaryNetwork.AddressFor(target).GetAddressBytes()) },
        };
        capture().Attach(pod, Exclusions.None, Container, new FoundNamespace(network.Given, null, null), OnCaptured);
    });

    private void OnCaptured(string reason)
    {
        if (reason.Length > 0)
        {
            // Its capture is tried again by itself, like a pod's: what is there by then is looked at.
            Take(CanaryJudge.NotCaptured(reason));
            _next = tools.Loop.After(_interval, () => OnCaptured(""));
            return;
        }
        _isCaptured = true;
        Probe();
    }

    private void Probe()
    {
        if (_probe is not null)
            return;
        _next?.Cancel();
        _probe = CanaryProbe.Start(tools.Loop, tools.Entry, _network!, service!, OnDone); // null when it is over already
    }

    private void OnDone(CanaryResult result)
    {
        _probe = null;
        // Once is a NodeProxy that is being replaced; an address that arrives changed is a fact.
        if (result.Ok || result.Reason != CanaryJudge.NotServedReason || _hasFailedOnce)
            Take(result);
        _hasFailedOnce = !result.Ok;
        var pause = result.Ok ? _interval * (0.8 + (0.4 * Random.Shared.NextDouble())) : _again;
        _next = tools.Loop.After(pause, Probe);
    }

    private void Take(CanaryResult result)
    {
        if (!result.Ok)
            tools.Counters.Add(CounterNames.CanaryFailed);
        if (result.Equals(Result))
            return;
        Result = result;
        if (result.Ok)
            tools.Log.CanaryWell($"{service}");
        else
            tools.Log.CanaryFailed(result.Reason, result.Detail);
        onResult();
    }

    // Two descriptors of the one namespace: the capture's, which it closes as it does for pods, and ours for connecting.
    private static Made TryMake(NamespaceEntry entry, IPEndPoint target)
    {
        try
        {
            var kept = CanaryNetwork.Make(entry, target);
            if (NetworkNamespace.TryAdopt(DescriptorCopy.Of(kept.Number), out var given, out string reason))
                return new((kept, given!), "");
            kept.Dispose();
            return new(null, reason);
        }
        catch (IOException e)
        {
            return new(null, e.Message);
        }
    }

    private sealed record Made((NetworkNamespace Kept, NetworkNamespace Given)? Network, string Reason);
}
