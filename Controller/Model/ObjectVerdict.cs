namespace Ambient.Controller.Model;

/// <summary>What the model made of an object, where that is less than its author asked for.</summary>
/// <param name="IsInForce">Whether the rest of it is.</param>
/// <param name="Message">For a person.</param>
internal sealed record ObjectVerdict(bool IsInForce, string Message);
