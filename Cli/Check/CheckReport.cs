using System.Text;
using System.Text.Json.Serialization;

namespace Ambient.Cli.Check;

/// <summary>The words that a report ends with.</summary>
/// <param name="Ok">Nothing stands against it.</param>
/// <param name="Failed">Something does.</param>
/// <param name="Unknown">Not all could be looked at.</param>
internal sealed record Verdicts(string Ok, string Failed, string Unknown)
{
    /// <summary>About a machine.</summary>
    public static Verdicts Machine { get; } = new("This machine can run Ambient.", "This machine cannot run all of Ambient: see FAILED.",
        "Nothing stands against Ambient here, but not everything could be looked at: see UNKNOWN.");
}

/// <summary>All checks, in order.</summary>
internal sealed record CheckReport(IReadOnlyList<CheckResult> Checks)
{
    /// <summary>0 nothing stands against the mesh, 1 something does, 2 nothing that could be looked at does, and not all could be.</summary>
    [JsonPropertyName("exit_status")]
    public int ExitStatus => Checks.Any(check => check.Outcome == CheckOutcome.Failed) ? 1 : Checks.Any(check => check.Outcome == CheckOutcome.Unknown) ? 2 : 0;

    /// <summary>For people.</summary>
    public string Text(Verdicts verdicts)
    {
        var text = new StringBuilder();
        var width = Checks.Count == 0 ? 0 : Checks.Max(check => check.Name.Length);
        foreach (var check in Checks)
        {
            text.AppendLine($"{Word(check.Outcome),-7}  {check.Name.PadRight(width)}  {check.Detail}");
            if (check.Mend.Length > 0) text.AppendLine($"{new string(' ', 9 + width)}  -> {check.Mend}");
        }
        text.AppendLine(ExitStatus switch
        {
            0 => verdicts.Ok,
            1 => verdicts.Failed,
            _ => verdicts.Unknown,
        });
        return text.ToString();
    }

    private static string Word(CheckOutcome outcome) => outcome switch
    {
        CheckOutcome.Ok => "ok",
        CheckOutcome.Warning => "WARNING",
        CheckOutcome.Failed => "FAILED",
        CheckOutcome.Unknown => "UNKNOWN",
    };
}

/// <summary>The report's JSON forms.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(CheckReport))]
internal sealed partial class CheckJson : JsonSerializerContext;
