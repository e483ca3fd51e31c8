namespace Ambient.Tests.Kubernetes;

/// <summary>For tests whose controllers write on every object of the shared server, and for those that look at what was written: one after the other.</summary>
[CollectionDefinition(nameof(WholeCluster))]
public sealed class WholeCluster;
