using System.Collections.Immutable;

namespace Ambient.Controller.Sources;

/// <summary>One entry of <c>MeshConfig.spec.reach</c>: pods of these namespaces call pods and services of those.</summary>
internal sealed record ReachRule(ImmutableArray<string> From, ImmutableArray<string> To);
