using Ambient.Bench.Rig.Scenarios;

namespace Ambient.Bench.Rig.Reports;

/// <summary>Everything that was measured in one scenario, round by round.</summary>
internal sealed class RoundBook(IScenario scenario)
{
    private readonly Dictionary<(string Peer, string Figure), List<double>> _values = [];
    private readonly List<string> _peers = [];

    public IScenario Scenario => scenario;

    /// <summary>In the order of their first round.</summary>
    public IReadOnlyList<string> Peers => _peers;

    public void Add(string peer, IReadOnlyDictionary<string, double> figures)
    {
        if (!_peers.Contains(peer)) _peers.Add(peer);
        foreach (var (figure, value) in figures)
        {
            if (double.IsNaN(value)) continue;
            if (!_values.TryGetValue((peer, figure), out var list)) _values[(peer, figure)] = list = [];
            list.Add(value);
        }
    }

    /// <summary>All rounds of a figure; empty if the peer has none.</summary>
    public IReadOnlyList<double> Of(string peer, string figure) => _values.GetValueOrDefault((peer, figure)) ?? [];

    /// <summary>The median; null if the peer has none.</summary>
    public double? Median(string peer, string figure)
    {
        var sorted = Of(peer, figure).Order().ToList();
        if (sorted.Count == 0) return null;
        int middle = sorted.Count / 2;
        return sorted.Count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    /// <summary>Our median over the peer's; null where one of them is missing.</summary>
    public double? Ratio(string peer, string figure) =>
        Median("ambient", figure) is { } ours && Median(peer, figure) is { } theirs and not 0 ? ours / theirs : null;

    /// <summary>Whether everything is reached that is asked and was measured.</summary>
    public bool ReachesAll => scenario.Figures.All(figure =>
        (Ratio(figure.Against, figure.Name) is not { } ratio || figure.IsReachedBy(ratio))
        && (figure.AtMost is not { } most || !figure.IsBoundJudged || Median("ambient", figure.Name) is not { } ours || ours <= most));

    /// <summary>Figures that are asked and could not be judged, since one side of the comparison is missing: those are not reached, and not missed either.</summary>
    /// <param name="isLeftOut">Whether whoever started the run wanted it without that peer.</param>
    public IEnumerable<string> Unjudged(Func<string, bool> isLeftOut)
    {
        if (isLeftOut("ambient")) yield break;
        foreach (var figure in scenario.Figures)
        {
            if (figure.Reach is not null && Ratio(figure.Against, figure.Name) is null && !isLeftOut(figure.Against))
                yield return $"{scenario.Name}.{figure.Name} has nothing to be compared with: no figure of {(Median("ambient", figure.Name) is null ? "ambient" : figure.Against)}";
            if (figure.AtMost is not null && figure.IsBoundJudged && Median("ambient", figure.Name) is null)
                yield return $"{scenario.Name}.{figure.Name} has a bound and was not measured";
        }
    }
}
