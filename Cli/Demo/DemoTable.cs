using System.Globalization;
using System.Text;
using Spectre.Console;

namespace Ambient.Cli.Demo;

/// <summary>The demo's table, for people. Pure.</summary>
internal static class DemoTable
{
    private static readonly string[] Heads = ["FROM", "TO", "WAY", "PROTECTION", "CONN/S", "BYTES/S", "P50 ms", "P99 ms", "DIRECT P99 ms"];

    private const int FirstNumber = 4;

    /// <summary>The table as plain text.</summary>
    public static string Text(IEnumerable<FlowRow> rows)
    {
        var lines = rows.Select(Cells).Prepend(Heads).ToList();
        var widths = Heads.Select((_, column) => lines.Max(line => line[column].Length)).ToArray();
        var text = new StringBuilder();
        foreach (var line in lines)
        {
            var cells = line.Select((cell, column) => column < FirstNumber ? cell.PadRight(widths[column]) : cell.PadLeft(widths[column]));
            text.AppendLine(string.Join("  ", cells).TrimEnd());
        }
        return text.ToString();
    }

    /// <summary>The table for a terminal.</summary>
    public static Table Live(IEnumerable<FlowRow> rows)
    {
        var table = new Table().Border(TableBorder.None);
        for (var column = 0; column < Heads.Length; column++)
        {
            var head = new TableColumn($"[bold]{Heads[column]}[/]").NoWrap().PadLeft(0).PadRight(2);
            table.AddColumn(column < FirstNumber ? head : head.RightAligned());
        }
        foreach (var row in rows)
        {
            var cells = Cells(row).Select(Markup.Escape).ToArray();
            cells[3] = cells[3] switch
            {
                "mutual_tls" or "in_memory" => $"[green]{cells[3]}[/]",
                "plaintext" => $"[yellow]{cells[3]}[/]",
                _ => cells[3],
            };
            table.AddRow(cells);
        }
        return table;
    }

    /// <summary>Bytes as people say them.</summary>
    public static string Bytes(double bytes) => bytes switch
    {
        < 1_000 => Number(bytes, "0") + " B",
        < 1_000_000 => Number(bytes / 1_000, "0.#") + " KB",
        < 1_000_000_000 => Number(bytes / 1_000_000, "0.#") + " MB",
        _ => Number(bytes / 1_000_000_000, "0.##") + " GB",
    };

    private static string[] Cells(FlowRow row) =>
    [
        row.Plan.FromName, row.Plan.ToName,
        string.Join('+', row.Ways.Select(way => way.Way).Distinct()), string.Join('+', row.Ways.Select(way => way.Protection).Distinct()),
        Number(row.ConnectionsPerSecond, "#,0"), Bytes(row.BytesPerSecond),
        Number(row.Tally.RecentP50, "0.0"), Number(row.Tally.RecentP99, "0.0"), Number(row.Direct.P99, "0.0"),
    ];

    private static string Number(double number, string format) => number.ToString(format, CultureInfo.InvariantCulture);
}
