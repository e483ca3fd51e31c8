using System.Text.Json.Serialization;

namespace Ambient.Cli.App;

/// <summary>What a load client has seen so far: a line of its output.</summary>
/// <param name="Seconds">Since its start.</param>
/// <param name="Ok">Connections that were opened, answered and verified to the last byte.</param>
/// <param name="Refused">Connections that were refused.</param>
/// <param name="Reset">Connections that were reset or ended early.</param>
/// <param name="TimedOut">Connections that took too long.</param>
/// <param name="Corrupt">Answers with a wrong byte.</param>
/// <param name="Other">Anything else, such as no route.</param>
/// <param name="Bytes">Bytes of payload, both directions.</param>
/// <param name="P50">Median of connect, request and answer together, ms, over the whole time.</param>
/// <param name="P99">99th percentile of the same.</param>
/// <param name="Longest">Longest of the same.</param>
/// <param name="RecentP50">Median since the line before.</param>
/// <param name="RecentP99">99th percentile since the line before.</param>
/// <param name="LastFailure">What the last failure said, and when (UTC); empty if there was none.</param>
internal sealed record LoadTally(
    double Seconds, long Ok, long Refused, long Reset, long TimedOut, long Corrupt, long Other, long Bytes,
    double P50, double P99, double Longest, double RecentP50, double RecentP99, string LastFailure)
{
    /// <summary>Nothing yet.</summary>
    public static LoadTally Nothing { get; } = new(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, "");

    /// <summary>Connections that did not go as they should.</summary>
    [JsonIgnore]
    public long Failed => Refused + Reset + TimedOut + Corrupt + Other;
}

/// <summary>The JSON form of a tally, generated at build.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(LoadTally))]
internal sealed partial class LoadJson : JsonSerializerContext;
