namespace Ambient.Bench.Rig.Scenarios;

/// <summary>Something that is measured.</summary>
/// <param name="Name">As in result lines.</param>
/// <param name="Unit">For people.</param>
/// <param name="IsRateHigherBetter">A rate; else a cost, and lower is better.</param>
/// <param name="Reach">The ratio to the peer <paramref name="Against"/> that is to be reached; null for one that is stated only.</param>
/// <param name="Against">The peer that is to be beaten.</param>
/// <param name="AtMost">What our own median may be at most, in the unit, whatever peers do; null without such a bound.</param>
/// <param name="IsBoundJudged">Whether a run fails by <paramref name="AtMost"/>; else the ratio to it is only stated.</param>
internal sealed record Figure(string Name, string Unit, bool IsRateHigherBetter = false, double? Reach = null, string Against = "haproxy", double? AtMost = null, bool IsBoundJudged = true)
{
    /// <summary>Whether a ratio of ours to <see cref="Against"/> is what is asked.</summary>
    public bool IsReachedBy(double ratio) => Reach is not { } reach || (IsRateHigherBetter ? ratio >= reach : ratio <= reach);
}
