using Ambient.Native.Namespaces;
using Ambient.Protocol.Cni;
using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Redirector.V1;
using Ambient.Redirector.Capture;
using Ambient.Redirector.Cni;
using Ambient.Redirector.Loop;
using Ambient.Redirector.Namespaces;
using Ambient.Redirector.Rules;
using Google.Protobuf;

namespace Ambient.Redirector;

/// <summary>
/// Pods that start, as the CNI plugin tells of them. No order names such a pod, since the API learns its address only when it has started:
/// the last signed order's word about its Kubernetes namespace, or about the pod's own label, is what counts. See docs/decisions/0018-cni.md.
/// </summary>
internal sealed partial class Redirection
{
    private readonly List<(CniCall Call, LoopTimer Deadline)> _held = [];

    /// <summary>Answers the plugin, now or later.</summary>
    public void OnCni(CniCall call)
    {
        switch (call.Request.Command)
        {
            case CniCommand.Add: Add(call); break;
            case CniCommand.Delete: Delete(call); break;
            case CniCommand.Check: Check(call); break;
            case CniCommand.Collect: Collect(call); break;
        }
    }

    /// <summary>
    /// A pod that the order in force does not name is captured if it is enrolled by a label of its own, or by its namespace's and the order does
    /// not leave it alone.
    /// </summary>
    private bool IsEnrolled(string @namespace, string name, string uid, CaptureOrder order) => !_options.ExcludedNamespaces.Contains(@namespace)
        && (_orders.Enrolled.HasPod(@namespace, name, uid) || (_orders.Enrolled.HasNamespace(@namespace) && !order.LeftAlone.Contains(uid)));

    private void Add(CniCall call)
    {
        var request = call.Request;
        var known = _pods.GetValueOrDefault(request.Uid);
        if (_options.ExcludedNamespaces.Contains(request.Namespace))
            call.Answer(CniAnswer.Passes($"namespace {request.Namespace} is never enrolled"));
        else if (known is { IsOrdered: true })
            Attach(call);
        else if (_orders.InForce is not { } order)
            Hold(call);
        else if (!IsEnrolled(request.Namespace, request.Pod, request.Uid, order))
            call.Answer(CniAnswer.Passes("it is not enrolled"));
        else if (StartingPod.IsStatic(request.Uid))
            call.Answer(CniAnswer.Passes("a static pod is captured when the controller names it, by another UID"));
        else
            Attach(call);
    }

    private void Attach(CniCall call)
    {
        var request = call.Request;
        string fault = FaultOf(call, out var pod, out var exclusions, out var given);
        if (fault.Length > 0)
        {
            Fail(call, fault);
            return;
        }
        if (!_pods.TryGetValue(request.Uid, out var capture))
            _pods[request.Uid] = capture = new PodCapture(pod, record: null, _tools, OnFinished);
        long began = _tools.Loop.Time.GetTimestamp();
        capture.Attach(pod, exclusions, request.Container, given!, reason =>
        {
            if (reason.Length == 0)
            {
                _tools.Counters.Add(CounterNames.CniCaptured);
                _tools.Log.StartCaptured(request.Namespace, request.Pod, request.Uid, _tools.Loop.Time.GetElapsedTime(began).TotalMilliseconds);
                call.Answer(CniAnswer.Captured);
                return;
            }
            Fail(call, reason);
            // What cannot start leaves nothing behind: the runtime calls DEL, or makes another sandbox.
            _tools.Loop.Post(() => Detach(capture, request.Container, "its start failed"));
        });
    }

    private string FaultOf(CniCall call, out CapturedPod pod, out Exclusions exclusions, out FoundNamespace? given)
    {
        given = null;
        var request = call.Request;
        bool isBelowRoot = _tools.Jobs.Finder.IsBelowRoot(request.NetnsPath);
        pod = new CapturedPod
        {
            Uid = request.Uid, Namespace = request.Namespace, Name = request.Pod, NetnsPath = isBelowRoot ? request.NetnsPath : "",
            Addresses = { request.Addresses.Select(a => ByteString.CopyFrom(a.GetAddressBytes())) },
        };
        StartingPod.Exclude(request, pod);
        if (request.Uid.Length == 0 || request.Container.Length == 0)
        {
            exclusions = Exclusions.None;
            return "the container runtime does not tell the pod's UID (K8S_POD_UID in CNI_ARGS)";
        }
        if (FaultOf(pod, out exclusions) is { Length: > 0 } fault)
            return fault;
        if (call.Descriptors is not [var descriptor])
            return "no network namespace came with the request";
        call.Descriptors.Clear();
        if (!NetworkNamespace.TryAdopt(descriptor, out var adopted, out string reason))
            return reason;
        given = new FoundNamespace(adopted!, isBelowRoot ? request.NetnsPath : null, null);
        return "";
    }

    private void Delete(CniCall call)
    {
        // The sandbox's id decides: a pod may have a newer one, while kubelet clears up the one before.
        foreach (var capture in _pods.Values.Where(p => !p.IsCanary && p.Container.Length > 0 && p.Container == call.Request.Container).ToList())
            Detach(capture, call.Request.Container, "the runtime takes its network away");
        call.Answer(CniAnswer.Passes(""));
    }

    private void Check(CniCall call)
    {
        var capture = _pods.GetValueOrDefault(call.Request.Uid);
        call.Answer(capture switch
        {
            { Status.Phase: PodPhase.Unproved } => CniAnswer.Fails($"the pod's capture is broken: {capture.Status.Reason}"),
            { IsCaptured: true } => CniAnswer.Captured,
            { IsAhead: true } or { IsOrdered: true, Container.Length: > 0 } => CniAnswer.Fails($"the pod is not captured: {capture.Status.Reason}"),
            _ => CniAnswer.Passes("the mesh has nothing to do with it"),
        });
    }

    private void Collect(CniCall call)
    {
        var valid = call.Request.Valid.ToHashSet(StringComparer.Ordinal);
        foreach (var capture in _pods.Values.Where(p => !p.IsCanary && p.Container.Length > 0 && !valid.Contains(p.Container)).ToList())
            Detach(capture, capture.Container, "its sandbox is gone");
        call.Answer(CniAnswer.Passes(""));
    }

    // A node that has never had an order knows of no enrolled namespace. It holds a pod only if it was told to. One whose stored order
    // cannot be taken up (another key, a damaged file) has had one: what that enrolled does not start uncaptured.
    private void Hold(CniCall call)
    {
        var request = call.Request;
        if (!_orders.TryReadLastEnrolled(out var enrolled, out string? fault) || enrolled?.HasNamespace(request.Namespace) == true)
        {
            Fail(call, $"this node has no order in force, and {fault ?? $"the last one enrolled namespace {request.Namespace}"}");
            return;
        }
        if (enrolled?.HasPod(request.Namespace, request.Pod, request.Uid) == true)
        {
            Fail(call, "this node has no order in force, and the last one enrolled this pod by its own label");
            return;
        }
        if (request.HoldSeconds == 0)
        {
            call.Answer(CniAnswer.Passes("this node has no order yet: the pod is captured as soon as one names it"));
            return;
        }
        (CniCall, LoopTimer) held = default;
        held = (call, _tools.Loop.After(TimeSpan.FromSeconds(request.HoldSeconds), () =>
        {
            _held.Remove(held);
            call.Answer(CniAnswer.Passes($"this node had no order for {request.HoldSeconds} s: the pod is captured as soon as one names it"));
        }));
        _held.Add(held);
    }

    private void ReviewHeldPods()
    {
        var held = _held.ToList();
        _held.Clear();
        foreach (var (call, deadline) in held)
        {
            deadline.Cancel();
            if (!call.IsOver)
                Add(call);
        }
    }

    private static void Detach(PodCapture capture, string container, string reason)
    {
        if (capture.Container == container)
            capture.Detach(reason);
    }

    private void Fail(CniCall call, string reason)
    {
        _tools.Counters.Add(CounterNames.CniFailed);
        _tools.Log.StartFailed(call.Request.Namespace, call.Request.Pod, call.Request.Uid, reason);
        call.Answer(CniAnswer.Fails(reason));
    }
}
