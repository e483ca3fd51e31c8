using System.Globalization;
using System.Text;
using Ambient.Cli.Demo;

namespace Ambient.Cli.Edges;

/// <summary>An edge report as text for people. Pure.</summary>
internal static class EdgeTable
{
    /// <summary>Tables of edges, of what passed beside TCP, and of refusals; a part without rows is left out.</summary>
    public static string Text(EdgeReport report)
    {
        var text = new StringBuilder();
        if (report.Edges.Count == 0) text.AppendLine("No connection yet.");
        else
        {
            Append(text, 5, ["FROM", "TO", "SERVICE", "WAY", "PROTECTION", "OPEN", "TOTAL", "SENT", "RECEIVED"], report.Edges.Select(row => new[]
            {
                Name(row.SourceNamespace, row.SourceWorkload), Name(row.DestinationNamespace, row.DestinationWorkload), row.Service.Length > 0 ? row.Service : "-",
                row.Way, row.Protection, Number(row.Open), Number(row.Opened), DemoTable.Bytes(row.SentBytes), DemoTable.Bytes(row.ReceivedBytes),
            }));
        }
        if (report.NonTcp.Count > 0)
        {
            text.AppendLine();
            Append(text, 3, ["FROM", "TO", "BESIDE TCP", "PACKETS", "BYTES"], report.NonTcp.Select(row => new[]
            {
                Name(row.SourceNamespace, row.SourceWorkload), Name(row.DestinationNamespace, row.DestinationWorkload), row.Protocol, Number(row.Packets), DemoTable.Bytes(row.Bytes),
            }));
        }
        if (report.Refusals.Count > 0)
        {
            text.AppendLine();
            Append(text, 3, ["REFUSED BY", "SIDE", "REASON", "TOTAL"], report.Refusals.Select(row => new[] { row.Node, row.Side, row.Reason, Number(row.Count) }));
        }
        return text.ToString();
    }

    private static void Append(StringBuilder text, int firstNumber, string[] heads, IEnumerable<string[]> rows)
    {
        var lines = rows.Prepend(heads).ToList();
        var widths = heads.Select((_, column) => lines.Max(line => line[column].Length)).ToArray();
        foreach (var line in lines)
        {
            var cells = line.Select((cell, column) => column < firstNumber ? cell.PadRight(widths[column]) : cell.PadLeft(widths[column]));
            text.AppendLine(string.Join("  ", cells).TrimEnd());
        }
    }

    private static string Name(string ns, string workload) => workload is "unknown" or "other" or "node" && ns == workload ? workload : $"{ns}/{workload}";

    private static string Number(double value) => value.ToString("0", CultureInfo.InvariantCulture);
}
