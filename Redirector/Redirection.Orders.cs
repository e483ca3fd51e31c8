using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Model;
using Ambient.Protocol.Redirector.V1;
using Ambient.Redirector.Capture;
using Ambient.Redirector.Rules;

namespace Ambient.Redirector;

/// <summary>What an order means for the pods.</summary>
internal sealed partial class Redirection
{
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
            if (capture.IsAhead && IsEnrolled(capture.Namespace, uid, order))
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
        if (OrderedAddresses.Of(pod).IsEmpty)
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
