using Ambient.Bench.Rig.Reports;
using Ambient.Bench.Rig.Scenarios;

namespace Ambient.Tests.Unit.Bench;

/// <summary>What becomes of the rounds.</summary>
public sealed class RoundBookTests
{
    private static IScenario Scenario => new FixedRate();

    [Fact]
    public void A_median_is_the_middle_round_or_between_the_two_in_the_middle_and_a_ratio_that_of_medians()
    {
        var book = new RoundBook(Scenario);
        foreach (double value in (double[])[9, 1, 2]) book.Add("ambient", new Dictionary<string, double> { ["cpu"] = value });
        foreach (double value in (double[])[100, 3, 5, 4]) book.Add("haproxy", new Dictionary<string, double> { ["cpu"] = value });

        Assert.Equal(2, book.Median("ambient", "cpu"));
        Assert.Equal(4.5, book.Median("haproxy", "cpu"));
        Assert.Equal(2 / 4.5, book.Ratio("haproxy", "cpu"));
    }

    [Fact]
    public void What_could_not_be_measured_is_neither_reached_nor_missed_and_is_named()
    {
        var book = new RoundBook(Scenario);
        book.Add("ambient", new Dictionary<string, double> { ["cpu"] = 1, ["p99"] = double.NaN });

        Assert.Null(book.Median("ambient", "p99"));
        Assert.True(book.ReachesAll);
        Assert.Contains(book.Unjudged(_ => false), line => line.StartsWith("fixed-rate.cpu has nothing to be compared with: no figure of haproxy", StringComparison.Ordinal));
        Assert.Contains(book.Unjudged(_ => false), line => line.StartsWith("fixed-rate.p99 has nothing to be compared with: no figure of ambient", StringComparison.Ordinal));
        Assert.Empty(book.Unjudged(peer => peer == "haproxy"));
    }

    [Fact]
    public void A_figure_above_what_is_asked_is_missed()
    {
        var book = new RoundBook(Scenario);
        book.Add("haproxy", new Dictionary<string, double> { ["cpu"] = 1 });
        book.Add("ambient", new Dictionary<string, double> { ["cpu"] = 0.44 });
        Assert.True(book.ReachesAll);
        book.Add("ambient", new Dictionary<string, double> { ["cpu"] = 0.6 });
        Assert.False(book.ReachesAll); // a median of 0.52, and 0.45 is asked
    }
}
