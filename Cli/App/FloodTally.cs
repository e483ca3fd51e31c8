using System.Text.Json.Serialization;

namespace Ambient.Cli.App;

/// <summary>What a flood has seen so far: a line of its output.</summary>
/// <param name="Seconds">Since its start.</param>
/// <param name="Attempts">Connections tried.</param>
/// <param name="Connected">Connections that the kernel called open.</param>
/// <param name="Failed">Connections that were refused or took too long.</param>
/// <param name="Open">Connections held that the other side has not ended.</param>
internal sealed record FloodTally(double Seconds, long Attempts, long Connected, long Failed, int Open);

/// <summary>The JSON form of a tally, generated at build.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(FloodTally))]
internal sealed partial class FloodJson : JsonSerializerContext;
