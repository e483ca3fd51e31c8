using Ambient.Native.Descriptors;
using Ambient.Native.Unix;
using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Model;
using Ambient.Protocol.Orders;
using Ambient.Protocol.Redirector.V1;
using Ambient.Redirector.Capture;
using Ambient.Redirector.Nodes;
using Ambient.Redirector.Rules;

namespace Ambient.Redirector;

/// <summary>Orders and the key that they are judged by; what one means for the pods.</summary>
internal sealed partial class Redirection
{
    // kubelet takes a minute to bring a changed ConfigMap: a few seconds more do not count.
    private static readonly TimeSpan _keyInterval = TimeSpan.FromSeconds(2);

    private void TakeOrder(NodeConnection from, Descriptor memory)
    {
        ulong version = 0;
        bool isRead = SealedMemory.TryRead(memory, OrderVerifier.MaxLength, out byte[] content, out string reason);
        if (isRead && _orders.IsInForce(content))
        {
            from.Send(new ToNode { Order = new OrderResult { Version = _orders.InForce!.Version, Accepted = true, Reason = "it is in force already" } });
            return;
        }
        bool isAccepted = isRead && _orders.TryAccept(content, out version, out reason);
        if (isAccepted)
        {
            _tools.Counters.Add(CounterNames.OrdersAccepted);
            _tools.Log.OrderAccepted(version, _orders.InForce!.Pods.Count);
        }
        else
        {
            Refuse(from, CounterNames.OrdersRefused, reason);
        }
        from.Send(new ToNode { Order = new OrderResult { Version = version, Accepted = isAccepted, Reason = reason } });
        if (isAccepted)
            Apply(_orders.InForce!);
    }

    private void WatchKeyLater() => _tools.Loop.After(_keyInterval, () =>
    {
        LookAtKey();
        WatchKeyLater();
    });

    private void LookAtKey()
    {
        bool isRenewed = _key.TryRenew(out string? fault);
        if (fault is not null)
            _tools.Log.OrderKeyNotTaken(_options.OrderKeyFile, fault);
        if (!isRenewed)
            return;
        _tools.Log.OrderKeyTaken(_options.OrderKeyFile);
        if (!_orders.TryAcceptLate(out ulong version))
            return;
        _tools.Counters.Add(CounterNames.OrdersAccepted);
        _tools.Log.OrderAccepted(version, _orders.InForce!.Pods.Count);
        _tools.Nodes.Tell(() => new ToNode { Order = new OrderResult { Version = version, Accepted = true } });
        Apply(_orders.InForce!);
    }

    private void Apply(CaptureOrder order)
    {
        _refused.Clear();
        var drain = TimeSpan.FromSeconds(order.DrainSeconds);
        var named = new HashSet<string>(StringComparer.Ordinal);
        foreach (var pod in order.Pods)
        {
            if (!named.Add(pod.Uid))
                continue;
            if (FaultOf(pod, out var exclusions) is { Length: > 0 } fault)
                RefusePod(pod, fault);
            else
                Order(pod, exclusions, order.IssuedUnixSeconds);
        }
        foreach (var (uid, capture) in _pods.Where(p => !named.Contains(p.Key) && !p.Value.IsCanary).ToList())
            if (capture.IsAhead && IsEnrolled(capture.Namespace, capture.Name, uid, order))
                capture.PassOver();
            else
                capture.Withdraw(drain);
        ReviewHeldPods();
        foreach (var node in _tools.Nodes.Greeted.ToList())
            TellGone(node);
    }

    private void Order(CapturedPod pod, Exclusions exclusions, long issuedUnixSeconds)
    {
        if (!_pods.TryGetValue(pod.Uid, out var capture))
            _pods[pod.Uid] = capture = new PodCapture(pod, record: null, _tools, OnFinished);
        capture.Order(pod, exclusions, issuedUnixSeconds);
    }

    private string FaultOf(CapturedPod pod, out Exclusions exclusions)
    {
        exclusions = Exclusions.None;
        if (pod.Uid.Length == 0)
            return "a pod without a UID";
        if (_options.ExcludedNamespaces.Contains(pod.Namespace))
            return $"namespace {pod.Namespace} is never captured";
        if (CaptureAddresses.Of(pod).IsEmpty)
            return "a pod without an address";
        return Exclusions.TryRead(pod, out exclusions, out string reason) ? "" : reason;
    }

    // A pod that is captured already stays as it is: a fault in its newest order is no withdrawal.
    private void RefusePod(CapturedPod pod, string fault)
    {
        _tools.Counters.Add(CounterNames.PodsRefused);
        _tools.Log.PodRefused(pod.Uid, pod.Namespace, pod.Name, fault);
        if (_pods.ContainsKey(pod.Uid))
            return;
        var status = new PodStatus { Uid = pod.Uid, Phase = PodPhase.Failed, Reason = fault };
        _refused[pod.Uid] = status;
        _tools.Nodes.Tell(() => new ToNode { Status = status });
    }

    private void OnFinished(PodCapture pod) => _pods.Remove(pod.Uid);
}
