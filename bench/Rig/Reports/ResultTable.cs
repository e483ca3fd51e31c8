using System.Globalization;
using Spectre.Console;

namespace Ambient.Bench.Rig.Reports;

/// <summary>The table at the terminal: medians, with the smallest and largest round beside them.</summary>
internal static class ResultTable
{
    public static void Write(RoundBook book)
    {
        var table = new Table().Title(Markup.Escape($"{book.Scenario.Name}: {book.Scenario.What}")).Border(TableBorder.Simple)
            .AddColumns("figure", "peer", "median", "min .. max", "ambient to it", "asked");
        foreach (int column in new[] { 2, 3, 4 }) table.Columns[column].RightAligned();
        foreach (var figure in book.Scenario.Figures)
        {
            string name = $"{figure.Name}, {figure.Unit}";
            foreach (var peer in book.Peers.Where(peer => book.Of(peer, figure.Name).Count > 0))
            {
                var rounds = book.Of(peer, figure.Name);
                table.AddRow(
                    name, peer, Text(book.Median(peer, figure.Name)!.Value), $"{Text(rounds.Min())} .. {Text(rounds.Max())}",
                    peer != "ambient" && book.Ratio(peer, figure.Name) is { } ratio ? ratio.ToString("0.00", CultureInfo.InvariantCulture) : "",
                    Asked(figure, peer));
                name = "";
            }
        }
        // Without a terminal it would be folded to 80 columns.
        if (Console.IsOutputRedirected) AnsiConsole.Profile.Width = 180;
        AnsiConsole.Write(table);
    }

    private static string Asked(Scenarios.Figure figure, string peer)
    {
        if (peer == "ambient" && figure.AtMost is { } most) return figure.IsBoundJudged ? $"<= {Text(most)} itself" : $"{Text(most)}, not judged";
        if (peer != figure.Against) return "";
        return figure.Reach is { } reach ? (figure.IsRateHigherBetter ? ">= " : "<= ") + Text(reach) : "stated";
    }

    /// <summary>The lines for machines: one ratio each; to the bound where a figure has one of its own.</summary>
    public static void WriteRatios(TextWriter output, RoundBook book)
    {
        foreach (var figure in book.Scenario.Figures)
        {
            foreach (var peer in book.Peers.Where(peer => peer != "ambient"))
            {
                if (book.Ratio(peer, figure.Name) is { } ratio)
                    output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"result {book.Scenario.Name}.{figure.Name}-vs-{peer} {ratio:0.###}"));
            }
            if (figure.AtMost is { } most && book.Median("ambient", figure.Name) is { } ours)
                output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"result {book.Scenario.Name}.{figure.Name}-vs-bound {ours / most:0.###}"));
        }
    }

    private static string Text(double value) => value.ToString(value >= 100 ? "#,0" : "0.###", CultureInfo.InvariantCulture);
}
