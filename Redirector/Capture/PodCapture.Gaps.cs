using Ambient.Redirector.Loop;
using Ambient.Redirector.Rules;

namespace Ambient.Redirector.Capture;

/// <summary>Looks for what slipped through while the rules were not in force: with the mending, and again a little later.</summary>
internal sealed partial class PodCapture
{
    // A namespace with more sockets than one look gets through is looked at in turns.
    private const int MaxFurtherLooks = 10;

    // An answer to a SYN of the gap may be as long on its way as a first retransmission takes.
    private static readonly TimeSpan _lookAgain = TimeSpan.FromSeconds(1);

    private LoopTimer? _look;

    // When other exclusions were ordered meanwhile, the rules are about to be loaded anew, and what is there then counts as before.
    private Exclusions? ExclusionsOf(Ruleset ruleset) => ruleset == _full ? _exclusions : null;

    private void LookAgainLater(int looks)
    {
        _look?.Cancel();
        _look = _tools.Loop.After(_lookAgain, () => LookAgain(looks));
    }

    private void LookAgain(int looks)
    {
        if (_namespace is not { } pod || _rules is not { } rules || _ending is not null || _isFinished || ExclusionsOf(rules.Ruleset) is not { } exclusions)
            return;
        if (_isBusy)
        {
            LookAgainLater(looks);
            return;
        }
        long began = _tools.Loop.Time.GetTimestamp();
        RunJob(WorkPriority.Mend, entry => _tools.Jobs.CleanGap(entry, pod, exclusions, rules.Known), outcome =>
        {
            if (outcome.Value is { } gap)
            {
                _rules = _rules! with { Known = gap.Known };
                if (CountGap(gap) is { Length: > 0 } found)
                    TellMended($"second look{found}", _tools.Loop.Time.GetElapsedTime(began));
                if (gap.Note.Length > 0 && looks > 1)
                    LookAgainLater(looks - 1);
            }
            CatchUp();
            Step();
        });
    }

    /// <returns>Text to be put behind what was mended; empty for nothing found.</returns>
    private string CountGap(GapFindings? gap)
    {
        if (gap is null || gap.IsEmpty)
            return "";
        if (gap.EntriesDropped > 0)
            _tools.Counters.Add(CounterNames.SynEntriesDropped, gap.EntriesDropped);
        if (gap.Closed > 0)
            _tools.Counters.Add(CounterNames.SlippedClosed, gap.Closed);
        if (gap.Listed > 0)
            _tools.Counters.Add(CounterNames.SlippedListed, gap.Listed);
        return $"; {gap}";
    }
}
