using System.Globalization;
using System.Text.RegularExpressions;

namespace Ambient.Tests.Unit.Telemetry;

/// <summary>Reads the text format 0.0.4 slowly and strictly: what promtool would find, for machines without it.</summary>
internal static partial class ExpositionCheck
{
    /// <summary>Checks a whole answer and returns its samples: name with labels, value.</summary>
    public static Dictionary<string, double> Read(string text)
    {
        Assert.EndsWith("\n", text);
        var samples = new Dictionary<string, double>();
        var types = new Dictionary<string, string>();
        string family = "";
        foreach (string line in text[..^1].Split('\n'))
        {
            if (line.StartsWith("# HELP ", StringComparison.Ordinal))
            {
                family = line.Split(' ')[2];
                Assert.False(types.ContainsKey(family), $"family {family} comes twice");
            }
            else if (line.StartsWith("# TYPE ", StringComparison.Ordinal))
            {
                string[] words = line.Split(' ');
                Assert.Equal(family, words[2]);
                Assert.Contains(words[3], (string[])["counter", "gauge", "histogram"]);
                Assert.Equal(words[3] == "counter", family.EndsWith("_total", StringComparison.Ordinal));
                types.Add(family, words[3]);
            }
            else
            {
                Match match = Sample().Match(line);
                Assert.True(match.Success, $"not a sample: {line}");
                string name = match.Groups["name"].Value;
                string of = types[family] == "histogram" ? Suffix().Replace(name, "") : name;
                Assert.Equal(family, of);
                Assert.True(samples.TryAdd(name + match.Groups["labels"].Value, Number(match.Groups["value"].Value)), $"the series comes twice: {line}");
            }
        }
        CheckHistograms(samples);
        return samples;
    }

    private static void CheckHistograms(Dictionary<string, double> samples)
    {
        double before = 0;
        foreach ((string series, double value) in samples.Where(s => s.Key.Contains("_bucket{", StringComparison.Ordinal)))
        {
            Assert.True(value >= before, $"buckets fall: {series}");
            before = series.Contains("le=\"+Inf\"", StringComparison.Ordinal) ? 0 : value;
            if (before == 0 && series.Contains("le=\"+Inf\"", StringComparison.Ordinal))
                Assert.Equal(value, samples[series.Replace("_bucket", "_count").Replace(",le=\"+Inf\"", "")]);
        }
    }

    private static double Number(string text) => text switch
    {
        "+Inf" => double.PositiveInfinity,
        "-Inf" => double.NegativeInfinity,
        _ => double.Parse(text, CultureInfo.InvariantCulture),
    };

    [GeneratedRegex("""^(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?<labels>\{([a-z_]+="([^"\\\n]|\\["\\n])*"(,|(?=\})))+\})? (?<value>\S+)$""")]
    private static partial Regex Sample();

    [GeneratedRegex("_(bucket|sum|count)$")]
    private static partial Regex Suffix();
}
