namespace Ambient.Controller.Sources;

/// <summary>A Service that a route is attached to.</summary>
/// <param name="NamespaceGiven">As the route gives it; empty for its own.</param>
/// <param name="SectionName">Empty if none is given.</param>
/// <param name="Port">Null for all ports.</param>
internal sealed record RouteParent(string NamespaceGiven, string Name, string SectionName, int? Port);
