namespace Ambient.NodeProxy.Admin;

/// <summary>Whether one of the things that the node needs is there.</summary>
/// <param name="Name">What, in a word.</param>
/// <param name="IsReady">It is.</param>
/// <param name="Reason">Why not, for a person; empty if it is.</param>
public sealed record Readiness(string Name, bool IsReady, string Reason);
