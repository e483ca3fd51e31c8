using Ambient.Redirector.Loop;
using Ambient.Redirector.Rules;
using Google.Protobuf;

namespace Ambient.Redirector.Capture;

/// <summary>Brings rulesets into force and takes them away, each noted down first: whoever comes after a crash must know what to undo.</summary>
internal sealed partial class PodCapture
{
    // Rules that redirect are in force, as far as is known: this process has loaded them, or an earlier one noted down that it would.
    private bool _isRedirecting;

    private void Load(PodNamespace pod, Ruleset ruleset)
    {
        long now = _tools.Loop.Time.GetUtcNow().ToUnixTimeSeconds();
        _record = new CaptureRecord(_tools.BootId, pod.Cookie, _pod.ToByteArray(), _record is null ? pod.SettingsAtOpen : _record.SettingsBefore,
            _record?.ConnectionsFromBefore ?? 0, ruleset.IsQuiet, ruleset.IsQuiet ? (_record is { IsQuiet: true } ? _record.QuietSinceUnixSeconds : now) : 0)
        { Container = Container, IsAhead = IsAhead, AddressesAtStart = string.Join(',', _addressesAtStart), KnownSinceUnixSeconds = _knownSinceUnixSeconds };
        bool isFirst = _rules is null;
        var exclusions = ruleset.IsQuiet ? Exclusions.None : _exclusions;
        if (_tools.Ledger.TryPut(Uid, _record, out string fault))
            LoadNow(pod, ruleset, outcome => OnLoaded(outcome, exclusions, isFirst));
        else
            FailToLoad($"nothing is changed in a namespace that cannot be noted down first: {fault}");
    }

    private void LoadNow(PodNamespace pod, Ruleset ruleset, Action<JobOutcome<RulesInForce>> onEnd)
    {
        if (_onAttached is not null && _rules is null)
            RunJob(WorkPriority.Start, entry => _tools.Jobs.LoadAtStart(entry, pod, ruleset), onEnd);
        else
            RunJob(WorkPriority.Enrol, entry => _tools.Jobs.Load(entry, pod, ruleset), onEnd);
    }

    private void OnLoaded(JobOutcome<RulesInForce> outcome, Exclusions exclusions, bool isFirst)
    {
        if (outcome.Value is not { } loaded)
        {
            FailToLoad(outcome.Reason);
            return;
        }
        if (!loaded.HasSetting)
            _tools.Log.NoLooseSetting(Uid);
        if (_namespace!.Routes.IsIpv6Absent)
            _tools.Log.NoIpv6(Uid);
        if (isFirst && !loaded.Ruleset.IsQuiet && _record is { ConnectionsFromBefore: 0 })
        {
            _record = _record with { ConnectionsFromBefore = loaded.ConnectionsFromBefore };
            _ = _tools.Ledger.TryPut(Uid, _record, out _); // the record from before the change serves too, without the count
        }
        _rules = loaded.Gap is { } gap ? loaded with { Known = gap.Known, Gap = null } : loaded;
        (_exclusionsInForce, _isRedirecting, _backoff) = (exclusions, !loaded.Ruleset.IsQuiet, _firstRetry);
        _unmended.Proved(UnmendedParts.Rules);
        _unmended.Proved(UnmendedParts.Exclusions);
        if (CountGap(loaded.Gap).Length > 0)
            _tools.Log.GapCleaned(Uid, loaded.Gap!.ToString());
        _nonTcp.OnRulesLoaded();
        // The ADD that waits may be a newer sandbox's: only its own rules let it start.
        if (loaded.Ruleset == _full && _onAttached is not null && _ending is null && _given is null)
        {
            AnswerAttached("");
            ProveLater();
        }
        CatchUp();
        Step();
    }

    // A pod whose earlier rules redirect stays captured by them. Nobody may hear that it has failed: its peers would speak plaintext with it,
    // and who can stand in the way of its rules would have switched off encryption and policy for it.
    private void FailToLoad(string reason)
    {
        if (!_isWanted || !_isRedirecting)
        {
            Fail(reason);
            return;
        }
        RefuseAttached(reason);
        _tools.Log.MendingFailed(Uid, reason);
        _unmended.Failed(_rules is null ? UnmendedParts.Rules : UnmendedParts.Exclusions, reason);
        RetryLater();
    }

    private void OnRemoved(JobOutcome<PodSettings> outcome)
    {
        if (!outcome.IsOk)
        {
            Fail(outcome.Reason);
            return;
        }
        (_rules, _record, _isRedirecting) = (null, null, false);
        _tools.Ledger.Remove(Uid);
        Step();
    }
}
