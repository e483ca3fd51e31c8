using System.Net;
using Ambient.Native.Namespaces;
using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Model;
using Ambient.Protocol.Redirector.V1;
using Ambient.Redirector.Listeners;
using Ambient.Redirector.Loop;
using Ambient.Redirector.Rules;

namespace Ambient.Redirector.Capture;

/// <summary>
/// One pod, from order to release. It compares what is wanted with what is there and does the next thing, one job at a time; every event
/// (an order, a report, a job's end, a timer) leads to <see cref="Step"/>. Owned by the loop.
/// </summary>
/// <remarks>
/// <code>
///  ordered:   namespace -> listeners -> PREPARING -(ready)-> setting, routes, rules -> CAPTURED
///  starting:  namespace from the CNI plugin -> listeners -> setting, routes, rules -> (the runtime goes on) -> PREPARING -(ready)-> CAPTURED
///  withdrawn: quiet rules -> QUIET -(drained or deadline)-> rules, routes, setting as they were -> RELEASED
///  any time:  the namespace ends -> everything closed -> GONE, and looked for again while it is ordered
///  broken:    CAPTURED -(rules, routes or settings cannot be mended, or new exclusions not be loaded, for a second)-> UNPROVED -(mended)-> CAPTURED
///  restart:   a record of this boot and namespace says the rules are in force: they are loaded again without waiting for anybody;
///             UNPROVED, and never FAILED, while that does not come about
/// </code>
/// </remarks>
internal sealed partial class PodCapture
{
    private static readonly TimeSpan _firstRetry = TimeSpan.FromMilliseconds(100), _lastRetry = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan _listenerRetry = TimeSpan.FromMilliseconds(250);

    private readonly CaptureTools _tools;
    private readonly Action<PodCapture> _onFinished;
    private readonly UnmendedParts _unmended;
    private CapturedPod _pod;
    private HashSet<IPAddress> _addresses = [];
    private Exclusions _exclusions = Exclusions.None;
    private Ruleset _full = Ruleset.Full(Exclusions.None);
    private bool _isWanted;
    private bool _isReady;
    private string _notReadyReason = "";
    private bool _isBusy;
    private bool _isFinished;
    private string? _ending;
    private PodNamespace? _namespace;
    private PodWatch? _watch;
    private ListenerSet? _listeners;
    private CaptureRecord? _record;
    private RulesInForce? _rules;
    private Exclusions _exclusionsInForce = Exclusions.None;
    private LoopTimer? _retry;
    private TimeSpan _backoff = _firstRetry;

    /// <param name="record">What an earlier Redirector left; null for none.</param>
    /// <param name="onFinished">Called once, when there is nothing left to do for the pod.</param>
    public PodCapture(CapturedPod pod, CaptureRecord? record, CaptureTools tools, Action<PodCapture> onFinished)
    {
        (_pod, _record, _tools, _onFinished) = (pod, record, tools, onFinished);
        _isRedirecting = record is { IsQuiet: false };
        _unmended = new UnmendedParts(tools.Loop, TellUnmended);
        Uid = pod.Uid;
        Status = new PodStatus { Uid = Uid, Phase = PodPhase.Preparing, Reason = "its network namespace is looked for" };
        TakeAddresses();
    }

    public string Uid { get; }

    /// <summary>Rules that redirect are in force.</summary>
    public bool IsCaptured => _rules is { Ruleset.IsQuiet: false };

    /// <summary>What is shared with NodeProxies; null while there are none.</summary>
    public ListenerSet? Listeners => _listeners;

    /// <summary>The order has it, with these exclusions.</summary>
    /// <param name="issuedUnixSeconds">When the order was issued.</param>
    public void Order(CapturedPod pod, Exclusions exclusions, long issuedUnixSeconds)
    {
        bool isElsewhere = _namespace is not null && Container.Length == 0 && pod.NetnsPath != _pod.NetnsPath;
        // The controller hears of the pod's phase from now on: what it was told before it knew the pod counted for nothing.
        _wasTold &= IsOrdered;
        _pod = pod;
        (_isWanted, IsOrdered) = (true, true);
        if (IsAhead && KnowsStart(pod, issuedUnixSeconds))
            ConfirmStart();
        _exclusions = exclusions;
        _full = Ruleset.Full(exclusions);
        if (_rules?.Ruleset == _full)
            _unmended.Proved(UnmendedParts.Exclusions); // those that could not be loaded are no longer wanted
        _drainTimer?.Cancel();
        TakeAddresses();
        if (isElsewhere)
            OnEnded("the order names another network namespace");
        Again();
    }

    /// <summary>The order no longer has it.</summary>
    /// <param name="drain">How long redirected connections may go on.</param>
    public void Withdraw(TimeSpan drain)
    {
        if (!_isWanted && _drain is not null)
            return;
        (_isWanted, _isReady, _drain) = (false, false, drain);
        (IsOrdered, IsAhead, _isRulesFirst) = (false, false, false);
        _drainedBy.Clear();
        Again();
    }

    /// <summary>The order does not have it, and cannot: it does not know the sandbox that runs.</summary>
    public void PassOver() => IsOrdered = false;

    /// <summary>Goes on with what an earlier Redirector left.</summary>
    public void Resume() => Again();

    /// <summary>A NodeProxy says whether it could serve the pod. It can start or delay capture, never end it.</summary>
    public void Report(bool isReady, string reason)
    {
        if (!_isWanted)
            return;
        (_isReady, _notReadyReason) = (isReady, isReady ? "" : reason);
        _isRulesFirst &= !isReady;
        Step();
    }

    private void Step()
    {
        if (_isBusy || _isFinished)
            return;
        if (_ending is not null)
            End();
        else if (_namespace is null)
            Open();
        else if (_isWanted)
            StepTowardsCapture(_namespace);
        else
            StepTowardsRelease(_namespace);
    }

    private void Open()
    {
        var (pod, addresses) = (_pod, _addresses); // this sandbox's among them: an order that names the pod may know only those of the one before
        if (_given is { } given)
        {
            _given = null;
            RunJob(WorkPriority.Start, entry => _tools.Jobs.OpenGiven(entry, addresses, given), OnOpened);
        }
        else if (!_isWanted && _record is null)
            Finish(PodPhase.Released, "");
        else if (_retry is not { IsCancelled: false })
            RunJob(WorkPriority.Enrol, entry => _tools.Jobs.Open(entry, pod, addresses), OnOpened);
    }

    private void StepTowardsCapture(PodNamespace pod)
    {
        // 1. What an earlier Redirector left in force is kept in force, whoever is there.
        if (_rules is null && _record is { IsQuiet: false })
            Load(pod, _full);
        // 2. Listeners before rules: a redirected connection needs somebody who listens.
        else if (_listeners is null)
        {
            if (IsCaptured)
                TellInForce();
            TakeListeners(pod);
        }
        // 3. Rules, when NodeProxy is ready, or at once for a pod that starts; changed exclusions need no new report.
        else if (_rules?.Ruleset != _full && (_isReady || IsCaptured || _isRulesFirst))
            Load(pod, _full);
        else if (_rules?.Ruleset == _full && _isRulesFirst)
            Tell(PodPhase.Preparing, _notReadyReason.Length > 0 ? _notReadyReason : IsAhead ? "captured, and waits for the controller to name it" : "captured, and waits to be served");
        else if (_rules?.Ruleset == _full)
            TellInForce();
        else
            Tell(PodPhase.Preparing, _notReadyReason);
    }

    private void StepTowardsRelease(PodNamespace pod)
    {
        if (_record is null)
            Finish(PodPhase.Released, "");
        else if (_rules is not { Ruleset.IsQuiet: true })
            Load(pod, Ruleset.Quiet);
        else if (!IsDrained())
            Tell(PodPhase.Quiet, "");
        else
            RunJob(WorkPriority.Enrol, entry => _tools.Jobs.Remove(entry, pod, _record.SettingsBefore), OnRemoved);
    }

    private void OnOpened(JobOutcome<PodNamespace> outcome)
    {
        if (outcome.Value is not { } opened)
        {
            // The runtime has brought a sandbox meanwhile: that the one before was not found is no news of it.
            if (_given is not null)
                Step();
            // A pod that is gone for good leaves nothing to undo: its namespace took everything with it. One that no order in force
            // speaks for is gone as well: its end was missed, and if it lives, its processes are found.
            else if ((!_isWanted || (!IsOrdered && _onAttached is null)) && ++_failedSearches >= MaxFailedSearches)
                Finish(PodPhase.Gone, outcome.Reason);
            else
                Fail(outcome.Reason);
            return;
        }
        if (_given is { } given)
        {
            // While an earlier sandbox was looked for, the runtime brought the one that counts.
            bool isSame = given.Namespace.Identity == opened.Namespace.Identity;
            (isSame ? given : (IDisposable)opened).Dispose();
            if (!isSame)
            {
                Step();
                return;
            }
            _given = null;
        }
        (_namespace, _backoff, _failedSearches) = (opened, _firstRetry, 0);
        if (_record is not null && _record.NamespaceCookie != opened.Cookie)
        {
            (_record, _isRedirecting) = (null, false);
            _tools.Ledger.Remove(Uid);
        }
        _watch = new PodWatch(_tools.Loop, opened, this);
        _ = ReadAddresses();
        AnswerEarly();
        Step();
    }

    /// <summary>Runs a job; until its end nothing else happens to the pod, and its namespace stays open.</summary>
    private void RunJob<T>(WorkPriority priority, Func<NamespaceEntry, T> job, Action<T> onEnd)
    {
        _isBusy = true;
        _tools.Workers.Run(priority, job, result =>
        {
            _isBusy = false;
            onEnd(result);
            if (_ending is not null)
                Step();
        });
    }

    private void Fail(string reason)
    {
        RefuseAttached(reason);
        // While a pod that ended is looked for again, GONE stays the news.
        if (Status.Phase != PodPhase.Gone || _namespace is not null)
            Tell(PodPhase.Failed, reason);
        RetryLater();
    }

    private void RetryLater()
    {
        RetryAfter(_backoff);
        _backoff = _backoff * 2 < _lastRetry ? _backoff * 2 : _lastRetry;
    }

    private void RetryAfter(TimeSpan delay)
    {
        _retry?.Cancel();
        _retry = _tools.Loop.After(delay, Step);
    }

    // Something new was learnt: what waits for a retry need not wait.
    private void Again()
    {
        _retry?.Cancel();
        _backoff = _firstRetry;
        Step();
    }

    // An order may be older than the sandbox that runs now.
    private void TakeAddresses() => _addresses = [.. CaptureAddresses.Of(_pod), .. _addressesAtStart];
}
