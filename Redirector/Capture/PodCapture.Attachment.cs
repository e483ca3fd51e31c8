using System.Collections.Immutable;
using System.Net;
using Ambient.Protocol.Model;
using Ambient.Protocol.Redirector.V1;
using Ambient.Redirector.Canary;
using Ambient.Redirector.Namespaces;
using Ambient.Redirector.Rules;
using Google.Protobuf;

namespace Ambient.Redirector.Capture;

/// <summary>
/// A pod that starts: the CNI plugin brings its namespace, and the runtime waits until the rules are in force. They come before anybody is
/// ready to serve the pod: what it connects meanwhile waits in the listeners. See docs/decisions/0018-cni.md.
/// </summary>
internal sealed partial class PodCapture
{
    private static readonly TimeSpan _proofDelay = TimeSpan.FromSeconds(2);

    private FoundNamespace? _given;
    private Action<string>? _onAttached;
    private ImmutableArray<IPAddress> _addressesAtStart = [];
    private long _knownSinceUnixSeconds;
    private bool _isRulesFirst;

    /// <summary>The sandbox whose ADD brought the pod; empty for a pod that was found.</summary>
    public string Container { get; private set; } = "";

    /// <summary>The Kubernetes namespace.</summary>
    public string Namespace => _pod.Namespace;

    /// <summary>The pod's name in it.</summary>
    public string Name => _pod.Name;

    /// <summary>It is captured on the strength of a label alone, its namespace's or its own: no order knows the sandbox that runs, though one may have named the pod.</summary>
    public bool IsAhead { get; private set; }

    /// <summary>It is Redirector's own, which no order speaks of.</summary>
    public bool IsCanary => Uid == CanaryWatch.Uid;

    /// <summary>The order in force names it.</summary>
    public bool IsOrdered { get; private set; }

    /// <summary>A sandbox of the pod starts.</summary>
    /// <param name="pod">As the runtime describes it; an order's word about a pod counts more, but for the addresses.</param>
    /// <param name="container">The sandbox's id.</param>
    /// <param name="given">Its namespace; becomes this object's.</param>
    /// <param name="onDone">Called once: empty when the rules are in force, else why they are not.</param>
    public void Attach(CapturedPod pod, Exclusions exclusions, string container, FoundNamespace given, Action<string> onDone)
    {
        AnswerAttached("another sandbox of the pod took its place");
        _given?.Dispose();
        _addressesAtStart = CaptureAddresses.Of(pod);
        if (!IsOrdered || IsNew(container, given))
            BeginAhead();
        (_given, _onAttached, Container, _isRulesFirst) = (given, onDone, container, true);
        if (!IsOrdered)
        {
            (_pod, _exclusions, _full, _isWanted) = (pod, exclusions, Ruleset.Full(exclusions), true);
            _drainTimer?.Cancel();
        }
        TakeAddresses();
        if (_namespace is { } present && present.Namespace.Identity == given.Namespace.Identity)
        {
            // The runtime asks again about what is here.
            given.Dispose();
            _given = null;
            if (_rules?.Ruleset == _full)
                AnswerAttached("");
        }
        else if (_namespace is not null)
        {
            OnEnded("the runtime made a new sandbox for the pod");
        }
        Again();
    }

    /// <summary>The runtime takes the sandbox's network away.</summary>
    public void Detach(string reason)
    {
        AnswerAttached(reason);
        _given?.Dispose();
        (_given, Container, _isRulesFirst, _addressesAtStart) = (null, "", false, []);
        if (IsAhead)
            (IsAhead, _isWanted) = (false, IsOrdered);
        OnEnded(reason);
    }

    /// <summary>
    /// Takes up what an earlier Redirector knew. What it captured is wanted until an order says something else: that there is none in force
    /// is no order to let go.
    /// </summary>
    public void Restore(CaptureRecord record)
    {
        (Container, IsAhead, _knownSinceUnixSeconds) = (record.Container, record.IsAhead, record.KnownSinceUnixSeconds);
        _addressesAtStart = [.. (record.AddressesAtStart ?? "").Split(',').Select(a => IPAddress.TryParse(a, out var address) ? address : null).OfType<IPAddress>()];
        TakeAddresses();
        _isWanted = IsAhead || !record.IsQuiet;
        if (_isWanted && Exclusions.TryRead(_pod, out var exclusions, out _))
            (_exclusions, _exclusionsInForce, _full) = (exclusions, exclusions, Ruleset.Full(exclusions));
    }

    // What runs already may be asked about again, and what an order found may have been started while nobody was here to be asked.
    private bool IsNew(string container, FoundNamespace given) =>
        _namespace is { } present ? present.Namespace.Identity != given.Namespace.Identity || (Container.Length > 0 && Container != container) : Container != container;

    // An order that names an address which none named before knows the sandbox. With the one before's address only its time can tell.
    private void BeginAhead()
    {
        IsAhead = true;
        bool isAddressKnown = IsOrdered && CaptureAddresses.Of(_pod).Any(_addressesAtStart.Contains);
        _knownSinceUnixSeconds = isAddressKnown ? _tools.Loop.Time.GetUtcNow().ToUnixTimeSeconds() : 0;
    }

    private bool KnowsStart(CapturedPod pod, long issuedUnixSeconds) =>
        issuedUnixSeconds > _knownSinceUnixSeconds && CaptureAddresses.Of(pod).Any(_addressesAtStart.Contains);

    private void ConfirmStart()
    {
        IsAhead = false;
        if (_record is not { IsAhead: true } record)
            return;
        _record = record with { Pod = _pod.ToByteArray(), IsAhead = false };
        _ = _tools.Ledger.TryPut(Uid, _record, out _); // the older record serves too: the order names the pod again
    }

    // Not while others start, who wait.
    private void ProveLater() => _tools.Loop.After(_proofDelay, () =>
    {
        if (_rules is null || _isFinished)
            return;
        _mustCheck = true;
        CatchUp();
    });

    private void RefuseAttached(string reason)
    {
        if (_ending is null && _given is null)
            AnswerAttached(reason);
    }

    private void AnswerAttached(string reason)
    {
        var answer = _onAttached;
        _onAttached = null;
        answer?.Invoke(reason);
    }
}
