namespace Ambient.Bench.Controller;

/// <summary>The measurement cannot go on; the message says why, for a person.</summary>
internal sealed class BenchException(string message) : Exception(message);
