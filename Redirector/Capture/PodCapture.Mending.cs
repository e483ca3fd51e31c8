using Ambient.Native.Descriptors;
using Ambient.Native.Netlink;
using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Redirector.V1;
using Ambient.Redirector.Loop;
using Ambient.Redirector.Nodes;
using Ambient.Redirector.Rules;

namespace Ambient.Redirector.Capture;

/// <summary>
/// Keeps in force what was loaded. A commit that touches our table is answered by loading it again, before anybody looks at what was
/// changed; a commit elsewhere only moves the number up to which our rules are proved.
/// </summary>
internal sealed partial class PodCapture : IPodWatcher
{
    // Somebody who writes the same table all the time must not keep a core busy: ten at once, then five a second.
    private const double MendBurst = 10, MendsPerSecond = 5;

    private static readonly TimeSpan _mendPause = TimeSpan.FromMilliseconds(200);

    private TokenBucket? _mends, _slowedLog;
    private NftCommit? _foreign;
    private bool _mustCheck;
    private RouteChanges _routing;
    private long _noticed;
    private LoopTimer? _mendTimer;

    /// <inheritdoc/>
    public void OnCommits(IReadOnlyList<NftCommit> commits, bool isComplete)
    {
        if (_foreign is null)
            _noticed = _tools.Loop.Time.GetTimestamp();
        _mustCheck |= !isComplete;
        foreach (var commit in commits)
        {
            if (commit.TouchesTable)
                _foreign = commit;
            else if (!commit.IsAnswer && !_isBusy && !_mustCheck && _foreign is null && _rules is not null && commit.IsAfter(_rules.Generation))
                _rules = _rules with { Generation = commit.Generation };
            else if (commit.IsAnswer && _rules is not null && commit.IsAfter(_rules.Generation))
                _mustCheck = true;
        }
        CatchUp();
    }

    /// <inheritdoc/>
    public void OnRouting(RouteChanges changes)
    {
        _routing |= changes;
        CatchUp();
    }

    /// <inheritdoc/>
    public void OnSweep()
    {
        if (_isBusy || _rules is null || _namespace is null)
            return;
        _ = _namespace.RulesWatch.AskGeneration();
        MendSettings(_namespace);
        CatchUp();
    }

    /// <inheritdoc/>
    public bool OnThoroughSweep()
    {
        if (_isBusy || _rules is null || _namespace is null)
            return false;
        _routing |= RouteChanges.Links;
        if (_namespace.Settings is { LacksAny: true })
            _namespace.ForgetSettings(); // what came since is opened with the next sweep
        _ = ReadAddresses();
        CatchUp();
        return true;
    }

    /// <summary>Does what events ask for, as soon as no job runs.</summary>
    private void CatchUp()
    {
        if (_isBusy || _namespace is null || _rules is null || _ending is not null)
            return;
        if (_routing != RouteChanges.None)
            MendRoutes(_namespace);
        if (_foreign is { } commit && !commit.IsAfter(_rules.Generation))
            _foreign = null; // our own, or mended meanwhile
        if (_foreign is { } broken)
            Mend(_namespace, broken, _rules);
        else if (_mustCheck)
            Check(_namespace, _rules.Ruleset);
    }

    private void Mend(PodNamespace pod, NftCommit commit, RulesInForce rules)
    {
        if (_mendTimer is { IsCancelled: false })
            return;
        _mends ??= new TokenBucket(MendBurst, MendsPerSecond, _tools.Loop.Time);
        if (!_mends.TryTake())
        {
            _slowedLog ??= new TokenBucket(1, 0.1, _tools.Loop.Time);
            if (_slowedLog.TryTake())
                _tools.Log.MendingSlowed(Uid, commit.Program, commit.ProcessId);
            _mendTimer = _tools.Loop.After(_mendPause, CatchUp);
            return;
        }
        long noticed = _noticed, loaded = 0;
        var time = _tools.Loop.Time;
        _foreign = null;
        var exclusions = ExclusionsOf(rules.Ruleset);
        RunJob(WorkPriority.Mend, entry => _tools.Jobs.Mend(entry, pod, rules, exclusions, () => loaded = time.GetTimestamp()), outcome =>
        {
            if (loaded != 0)
            {
                _nonTcp.OnRulesLoaded();
                _tools.Counters.Add(CounterNames.RulesMended);
                string found = CountGap(outcome.Value?.Gap);
                TellMended($"rules changed by {commit.Program} ({commit.ProcessId}){found}", time.GetElapsedTime(noticed, loaded));
            }
            AfterMending(outcome, commit);
        });
    }

    private void AfterMending(JobOutcome<RulesInForce> outcome, NftCommit commit)
    {
        if (outcome.Value is { } mended)
        {
            _unmended.Proved(UnmendedParts.Rules);
            _rules = mended with { Gap = null };
            if (mended.Gap is not null)
                LookAgainLater(MaxFurtherLooks);
            CatchUp();
            Step();
            return;
        }
        // Not mended, or changed again before it was proved: it stays broken until it is, at the rate that is allowed.
        if (_foreign is null)
            _tools.Log.MendingFailed(Uid, outcome.Reason);
        _unmended.Failed(UnmendedParts.Rules, outcome.Reason);
        _foreign ??= commit with { Generation = _rules!.Generation + 1 };
        CatchUp();
    }

    private void Check(PodNamespace pod, Ruleset ruleset)
    {
        _mustCheck = false;
        _noticed = _tools.Loop.Time.GetTimestamp();
        RunJob(WorkPriority.Mend, entry => _tools.Jobs.Check(entry, pod, ruleset), outcome =>
        {
            if (outcome.Value?.Generation is { } generation)
            {
                _unmended.Proved(UnmendedParts.Rules);
                _rules = _rules! with { Generation = generation };
            }
            else if (outcome.IsOk)
            {
                _foreign ??= new NftCommit(_rules!.Generation + 1, 0, "somebody", TouchesTable: true, IsAnswer: false);
            }
            else
            {
                _tools.Log.MendingFailed(Uid, outcome.Reason);
                _unmended.Failed(UnmendedParts.Rules, outcome.Reason);
                CheckLater();
            }
            CatchUp();
            Step();
        });
    }

    private void CheckLater() => _tools.Loop.After(_mendPause, () =>
    {
        _mustCheck = true;
        CatchUp();
    });

    private void MendRoutes(PodNamespace pod)
    {
        long noticed = _tools.Loop.Time.GetTimestamp();
        bool isTableChanged = (_routing & RouteChanges.Routes) != 0;
        _routing = RouteChanges.None;
        try
        {
            string missing = pod.Routes.Ensure(isTableChanged);
            _unmended.Proved(UnmendedParts.Routes);
            if (missing.Length == 0)
                return;
            _tools.Counters.Add(CounterNames.RoutesMended);
            TellMended(missing, _tools.Loop.Time.GetElapsedTime(noticed));
        }
        catch (RulesException e)
        {
            // For example while lo is down; the next event or sweep tries again.
            _tools.Log.MendingFailed(Uid, e.Message);
            _unmended.Failed(UnmendedParts.Routes, e.Message);
        }
    }

    private void MendSettings(PodNamespace pod)
    {
        try
        {
            var sysctls = _tools.Jobs.Sysctls;
            var settings = pod.Settings ?? _tools.Entry.Run(pod.Namespace, () => pod.HoldSettings(sysctls));
            string mended = settings.Read().DifferenceFrom(PodSettings.Captured);
            if (mended.Length > 0)
            {
                _ = _tools.Entry.Run(pod.Namespace, () =>
                {
                    sysctls.Write(PodSettings.Captured);
                    return true;
                });
            }
            _unmended.Proved(UnmendedParts.Settings);
            if (mended.Length == 0)
                return;
            _tools.Counters.Add(CounterNames.SettingsMended);
            TellMended(mended, TimeSpan.Zero);
        }
        catch (IOException e)
        {
            _tools.Log.MendingFailed(Uid, e.Message);
            _unmended.Failed(UnmendedParts.Settings, e.Message);
        }
    }

    private void TellMended(string what, TimeSpan took)
    {
        _tools.Log.Mended(Uid, what, took.TotalMilliseconds);
        _tools.Nodes.Tell(() => new ToNode { Mended = new CaptureMended { Uid = Uid, What = what, Milliseconds = took.TotalMilliseconds } });
    }
}
