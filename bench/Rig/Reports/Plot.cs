using System.Globalization;
using System.Text;

namespace Ambient.Bench.Rig.Reports;

/// <summary>A bar for each peer and figure, as SVG: the median as a bar, every round as a dot.</summary>
internal static class Plot
{
    private const int Left = 130, Width = 420, Row = 18;

    public static void Write(string folder, RoundBook book)
    {
        var body = new StringBuilder();
        int y = 44;
        foreach (var figure in book.Scenario.Figures)
        {
            var rows = book.Peers.Where(peer => book.Of(peer, figure.Name).Count > 0).ToList();
            double most = rows.Select(peer => book.Of(peer, figure.Name).Max()).DefaultIfEmpty(1).Max();
            body.AppendLine(Line($"<text x='8' y='{y}' font-weight='bold'>{figure.Name} ({figure.Unit}; {(figure.IsRateHigherBetter ? "more" : "less")} is better)</text>"));
            foreach (var peer in rows)
            {
                y += Row;
                double median = book.Median(peer, figure.Name)!.Value;
                body.AppendLine(Line($"<text x='8' y='{y}'>{peer}</text><rect x='{Left}' y='{y - 11}' width='{Width * median / most:0.#}' height='13' fill='{(peer == "ambient" ? "#2b6cb0" : "#a0aec0")}'/>"));
                foreach (double value in book.Of(peer, figure.Name))
                    body.AppendLine(Line($"<circle cx='{Left + (Width * value / most):0.#}' cy='{y - 4.5}' r='2' fill='#1a202c'/>"));
                body.AppendLine(Line($"<text x='{Left + Width + 8}' y='{y}'>{median:0.###}</text>"));
            }
            y += 2 * Row;
        }
        var svg = Line($"<svg xmlns='http://www.w3.org/2000/svg' width='{Left + Width + 90}' height='{y}' font-family='sans-serif' font-size='12'><rect width='100%' height='100%' fill='white'/><text x='8' y='18' font-size='14'>{book.Scenario.Name}: {book.Scenario.What}</text>\n{body}</svg>\n");
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, $"{book.Scenario.Name}.svg"), svg);
    }

    private static string Line(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
