using System.Buffers;
using System.Globalization;
using System.Text;

namespace Ambient.NodeProxy.Telemetry;

/// <summary>
/// Writes Prometheus' text format, version 0.0.4: a family is its HELP line, its TYPE line and its samples, all together. Lines end in LF;
/// in a label's value backslash, quote and line feed are escaped.
/// </summary>
internal sealed class ExpositionWriter(IBufferWriter<byte> to)
{
    private readonly StringBuilder _line = new();

    /// <summary>Begins a family.</summary>
    /// <param name="type"><c>counter</c>, <c>gauge</c> or <c>histogram</c>.</param>
    public void Family(string name, string type, string help)
    {
        _line.Append("# HELP ").Append(name).Append(' ');
        AppendEscaped(help, quotes: false);
        _line.Append("\n# TYPE ").Append(name).Append(' ').Append(type);
        End();
    }

    /// <summary>Writes a sample of the family begun last.</summary>
    public void Sample(string name, ReadOnlySpan<(string Name, string Value)> labels, double value)
    {
        _line.Append(name);
        AppendLabels(labels);
        _line.Append(' ').Append(Number(value));
        End();
    }

    /// <summary>Writes the samples of one histogram: cumulative buckets, sum, count.</summary>
    public void Histogram(string name, ReadOnlySpan<(string Name, string Value)> labels, double[] upperBounds, long[] counts, double sum)
    {
        (string Name, string Value)[] withBound = [.. labels, ("le", "")];
        long cumulative = 0;
        for (int i = 0; i < counts.Length; i++)
        {
            cumulative += counts[i];
            withBound[^1].Value = i < upperBounds.Length ? Number(upperBounds[i]) : "+Inf";
            Sample(name + "_bucket", withBound, cumulative);
        }
        Sample(name + "_sum", labels, sum);
        Sample(name + "_count", labels, cumulative);
    }

    private static string Number(double value) => value switch
    {
        double.PositiveInfinity => "+Inf",
        double.NegativeInfinity => "-Inf",
        _ => value.ToString("R", CultureInfo.InvariantCulture),   // NaN is written as "NaN", as the format wants it
    };

    private void AppendLabels(ReadOnlySpan<(string Name, string Value)> labels)
    {
        if (labels.IsEmpty)
            return;
        char before = '{';
        foreach ((string name, string value) in labels)
        {
            _line.Append(before).Append(name).Append("=\"");
            AppendEscaped(value, quotes: true);
            _line.Append('"');
            before = ',';
        }
        _line.Append('}');
    }

    private void AppendEscaped(string value, bool quotes)
    {
        foreach (char c in value)
        {
            switch (c)
            {
                case '\\':
                    _line.Append("\\\\");
                    break;
                case '\n':
                    _line.Append("\\n");
                    break;
                case '"' when quotes:
                    _line.Append("\\\"");
                    break;
                default:
                    _line.Append(c);
                    break;
            }
        }
    }

    private void End()
    {
        _line.Append('\n');
        foreach (ReadOnlyMemory<char> chunk in _line.GetChunks())
            Encoding.UTF8.GetBytes(chunk.Span, to);
        _line.Clear();
    }
}
