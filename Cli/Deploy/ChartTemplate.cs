using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Ambient.Cli.Deploy;

/// <summary>
/// Fills in one of the chart's templates. Of Helm's language it knows what our templates keep to, and refuses the rest, so that what it
/// renders is what Helm renders: <c>{{ .Values.x }}</c>, <c>{{ .Values.x | quote }}</c>, <c>{{ toJson .Values.x }}</c>,
/// <c>{{ add .Values.x N }}</c>, <c>{{ .Values.x | default (ternary "A" "B" (hasPrefix "P" .Values.y)) }}</c>, and lines <c>{{- if .Values.x }}</c> ... <c>{{- end }}</c>.
/// </summary>
internal static partial class ChartTemplate
{
    private static readonly JsonSerializerOptions AsYaml = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <exception cref="DeployException">It says something else, with its line.</exception>
    public static string Render(string name, string text, ChartValues values)
    {
        var rendered = new StringBuilder();
        var kept = new Stack<bool>();
        foreach (var (number, line) in text.TrimEnd('\n').Split('\n').Index())
        {
            try
            {
                if (If().Match(line) is { Success: true } condition)
                    kept.Push(values.IsTrue(condition.Groups[1].Value) && !kept.Contains(false));
                else if (line == "{{- end }}" && kept.Count > 0)
                    kept.Pop();
                else if (!kept.Contains(false))
                    rendered.Append(Fill(line, values)).Append('\n');
            }
            catch (DeployException fault)
            {
                throw new DeployException($"{name}, line {number + 1}: {fault.Message}");
            }
        }
        return kept.Count == 0 ? rendered.ToString() : throw new DeployException($"{name}: an if without its end");
    }

    private static string Fill(string line, ChartValues values)
    {
        var filled = Action().Replace(line, action =>
            action.Groups["plain"] is { Success: true } plain ? Text(values[plain.Value])
            : action.Groups["quoted"] is { Success: true } quoted ? JsonSerializer.Serialize(Text(values[quoted.Value]), AsYaml)
            : action.Groups["given"] is { Success: true } given ? Given(Text(values[given.Value]), Text(values[action.Groups["subject"].Value]), action)
            : action.Groups["json"] is { Success: true } json ? values[json.Value].ToJsonString(AsYaml)
            : (Number(values[action.Groups["sum"].Value]) + long.Parse(action.Groups["more"].Value, CultureInfo.InvariantCulture)).ToString(CultureInfo.InvariantCulture));
        return filled.Contains("{{", StringComparison.Ordinal) || filled.Contains("}}", StringComparison.Ordinal) && Action().Count(line) == 0
            ? throw new DeployException($"something that is not known here: {line.Trim()}")
            : filled;
    }

    // sprig's ternary, hasPrefix and default, which takes an empty text for none.
    private static string Given(string given, string subject, Match action) =>
        given.Length > 0 ? given : action.Groups[subject.StartsWith(action.Groups["prefix"].Value, StringComparison.Ordinal) ? "yes" : "no"].Value;

    private static string Text(JsonNode value) => value is JsonValue ? value.ToString() : throw new DeployException($"{value.ToJsonString()} is no text");

    private static long Number(JsonNode value) => value is JsonValue v && v.TryGetValue(out long number) ? number : throw new DeployException($"{value.ToJsonString()} is no number");

    [GeneratedRegex(@"^\{\{- if \.Values\.([\w.]+) \}\}$")]
    private static partial Regex If();

    [GeneratedRegex(@"\{\{ (?:\.Values\.(?<plain>[\w.]+)|\.Values\.(?<quoted>[\w.]+) \| quote|\.Values\.(?<given>[\w.]+) \| default \(ternary ""(?<yes>\w+)"" ""(?<no>\w+)"" \(hasPrefix ""(?<prefix>[^""]+)"" \.Values\.(?<subject>[\w.]+)\)\)|toJson \.Values\.(?<json>[\w.]+)|add \.Values\.(?<sum>[\w.]+) (?<more>\d+)) \}\}")]
    private static partial Regex Action();
}
