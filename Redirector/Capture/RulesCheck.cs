namespace Ambient.Redirector.Capture;

/// <summary>The result of a comparison: the commit up to which the rules are right, or null when they are not.</summary>
internal sealed record RulesCheck(uint? Generation);
