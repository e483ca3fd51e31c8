using System.Globalization;
using System.Text;

namespace Ambient.Cli.Lab;

/// <summary>One sample of a metrics page.</summary>
internal sealed record MetricsSample(string Name, IReadOnlyDictionary<string, string> Labels, double Value)
{
    /// <summary>The value of a label; empty if it has none.</summary>
    public string Label(string name) => Labels.GetValueOrDefault(name, "");
}

/// <summary>A metrics page in the Prometheus text format 0.0.4, read.</summary>
internal sealed class MetricsPage(IReadOnlyList<MetricsSample> samples)
{
    /// <summary>All samples in their order.</summary>
    public IReadOnlyList<MetricsSample> Samples => samples;

    /// <summary>The samples of one name.</summary>
    public IEnumerable<MetricsSample> Of(string name) => samples.Where(sample => sample.Name == name);

    /// <summary>The sum of all samples of a name that have these labels.</summary>
    public double Sum(string name, params (string Name, string Value)[] labels) =>
        Of(name).Where(sample => labels.All(label => sample.Label(label.Name) == label.Value)).Sum(sample => sample.Value);

    /// <summary>Reads a page. Lines that are no samples are skipped: a page is read by those who came later than it as well.</summary>
    public static MetricsPage Parse(string text)
    {
        var samples = new List<MetricsSample>();
        foreach (var line in text.Split('\n'))
        {
            if (line.Length > 0 && line[0] != '#' && TryParse(line, out var sample)) samples.Add(sample);
        }
        return new MetricsPage(samples);
    }

    private static bool TryParse(string line, out MetricsSample sample)
    {
        sample = null!;
        var labels = new Dictionary<string, string>();
        var at = line.IndexOfAny(['{', ' ']);
        if (at < 0) return false;
        var name = line[..at];
        if (line[at] == '{')
        {
            at++;
            while (at < line.Length && line[at] != '}')
            {
                var equals = line.IndexOf('=', at);
                if (equals < 0 || equals + 1 >= line.Length || line[equals + 1] != '"') return false;
                var label = line[at..equals].Trim(',', ' ');
                var value = new StringBuilder();
                for (at = equals + 2; at < line.Length && line[at] != '"'; at++)
                {
                    if (line[at] == '\\' && ++at < line.Length) value.Append(line[at] == 'n' ? '\n' : line[at]);
                    else value.Append(line[at]);
                }
                labels[label] = value.ToString();
                at++;
            }
            at++;
        }
        if (at >= line.Length) return false;
        var number = line[at..].Trim().Split(' ')[0].Replace("Inf", "Infinity", StringComparison.Ordinal);
        if (!double.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out var parsed)) return false;
        sample = new MetricsSample(name, labels, parsed);
        return true;
    }
}
