namespace Ambient.Tests.Kubernetes;

/// <summary>For tests that measure time or the process's memory: they run when no others do.</summary>
[CollectionDefinition(nameof(MeasuredAlone), DisableParallelization = true)]
public sealed class MeasuredAlone;
