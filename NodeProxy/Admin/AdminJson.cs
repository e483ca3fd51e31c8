using System.Text.Json.Serialization;

namespace Ambient.NodeProxy.Admin;

/// <summary>The JSON forms of the answers, generated at build, without reflection. Names are in snake case.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true, GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(StatusAnswer))]
[JsonSerializable(typeof(ConfigAnswer))]
[JsonSerializable(typeof(ConnectionsAnswer))]
[JsonSerializable(typeof(ReadyAnswer))]
[JsonSerializable(typeof(IdentitiesAnswer))]
internal sealed partial class AdminJson : JsonSerializerContext;
